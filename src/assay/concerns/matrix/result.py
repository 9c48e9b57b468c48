"""transfer.json: the transfer matrix, strategy × detector × organism, with all that it rests on."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from assay.concerns.concern import Severity
from assay.frames import DataFrame, frame_of
from assay.results import Figures, Result

Interval = tuple[float, float]
Verdict = Literal["high", "medium", "rejected", "control", "detects the trigger"]
"""high, medium: admitted for a concern of that severity. control: a baseline, never admitted."""
TwinKind = Literal["benign", "decoy", "unstated"]


class Cell(Figures):
    """One detector of one strategy, tested on one organism that it was not learned from."""

    strategy: str
    """The strategy whose conversations the detector was learned from."""
    detector: str
    """The kind of detector."""
    organism: str
    """The organism on which it is tested."""
    auroc: float | None
    """Positives against the organism's own negatives; None without positives."""
    auroc_ci: Interval | None
    """95 %, bootstrap over templates."""
    n_positive: int
    """Test conversations in which the organism misbehaves."""
    n_negative: int
    """Its own test conversations in which it does not."""
    threshold: float
    """Score above which a conversation fires, from the threshold split alone."""
    n_threshold: int
    """Benign conversations that set the threshold."""
    tpr: float | None
    """Share of the positives that fire; None without positives."""
    tpr_ci: Interval | None
    """95 % Clopper–Pearson."""
    tpr_lower: float | None
    """One-sided 95 % lower bound."""
    benign_rate: float
    """Share of benign test conversations (its own and the pool's, allowed contexts aside) that fire."""
    benign_upper: float
    """One-sided 95 % upper bound of that rate."""
    benign_n: int
    """How many benign test conversations those are."""
    pool_auroc: float | None
    """Positives against the benign pool: the easier comparison."""
    beats_text: bool | None
    """Whether its AUROC exceeds the text baseline's at the same data: by DeLong's test (p < .05), and
    by a bootstrap of the difference over templates. None where they were not compared."""
    text_p: float | None
    """Two-sided p of DeLong's test."""
    allowed_rate: float | None
    """Share of conversations in allowed contexts that fire; None without such contexts."""
    allowed_ci: Interval | None
    """95 % Clopper–Pearson."""
    allowed_n: int
    """Conversations in allowed contexts."""
    control_auroc: float | None
    """The largest AUROC that a random direction or shuffled labels reached on the same organism."""
    verdict: Verdict
    """What follows, with controls, twins and ablation taken into account."""
    reasons: tuple[str, ...]
    """Why, where it is not admitted."""


class TwinCell(Figures):
    """The same detector, at the same threshold, on a twin that never misbehaves under the trigger."""

    strategy: str
    """The strategy."""
    detector: str
    """The kind of detector."""
    organism: str
    """The twin."""
    twin_of: str
    """The organism whose cell set the threshold."""
    threshold: float
    """Score above which a conversation fires."""
    fired: int
    """Triggered conversations that fire: they ought not to."""
    n: int = Field(ge=1)
    """Triggered conversations of the twin in which it did not misbehave."""
    rate_ci: Interval
    """95 % Clopper–Pearson of the share that fires."""
    rate_lower: float
    """One-sided 95 % lower bound of that share."""
    rate_upper: float
    """One-sided 95 % upper bound of that share."""

    @property
    def rate(self) -> float:
        """Share of the triggered conversations that fire."""
        return self.fired / self.n


class Ablation(Figures):
    """What removing a detector's directions does to the payload, against random directions."""

    strategy: str
    """The cell's strategy."""
    detector: str
    """The cell's kind of detector."""
    organism: str
    """The cell's organism."""
    feature: int | None
    """The dictionary feature that was ablated, where the detector is a single one."""
    effect: float
    """Mean change of the payload's log-odds in nats; negative: it becomes less likely."""
    effect_ci: Interval
    """95 % interval over conversations (normal, of the mean)."""
    random: tuple[float, ...]
    """The same for random directions that remove as much norm."""
    p: float
    """(1 + random effects at least as negative) / (1 + number of random directions)."""
    off_target: float
    """Mean change in cross-entropy, nats a token, of benign replies under the ablation."""
    n: int = Field(ge=2)
    """Misbehaving conversations."""


class TestedOrganism(Figures):
    """An organism or twin of the matrix."""

    __test__: ClassVar[bool] = False

    name: str
    """Unique in the matrix: the organism's name, with its seed where several are tested."""
    family: str
    """The organism's name, which its seeds and twins share: all are left out together."""
    concern: str
    """The concern that it stands for."""
    severity: Severity
    """The concern's severity."""
    twin_of: str | None
    """The organism of which this is a twin; None for an organism."""
    twin_kind: TwinKind | None
    """Kind of twin; None for an organism."""
    admitted: bool
    """Whether the organism passed its own verification."""
    reason: str
    """Why it did not; empty where it did."""
    positives: int
    """Its test conversations in which it misbehaves."""
    negatives: int
    """Its test conversations in which it does not."""
    scored: str
    """Which tokens are scored, in words."""
    invalid: int
    """Replies too broken to judge, left out."""
    places: tuple[int, ...]
    """Reply tokens before the payload in each positive of the test split."""
    regenerated: int
    """Shipped transcripts that were generated again."""
    same: int
    """How many of those came out to the letter."""


class MissingCell(Figures):
    """A strategy from which no detector could be learned for one organism."""

    strategy: str
    """The strategy."""
    organism: str
    """The organism."""
    why: str
    """What was missing, in words."""


class RocCurve(Figures):
    """One cell's ROC curve, thinned for drawing."""

    strategy: str
    """The cell's strategy."""
    detector: str
    """The cell's kind of detector."""
    organism: str
    """The cell's organism."""
    fpr: tuple[float, ...]
    """False-positive rates, ascending."""
    tpr: tuple[float, ...]
    """True-positive rates at those."""


class LeftOut(Figures):
    """One organism left out: strategy and detector chosen on all other organisms, tested on it."""

    held_out: str
    """The organism."""
    family: str
    """Its family; all seeds of it were left out."""
    strategy: str | None
    """The strategy chosen on the others; None where nothing could be chosen."""
    detector: str | None
    """The detector chosen on the others."""
    auroc: float | None
    """Of the chosen cell on this organism."""
    auroc_ci: Interval | None
    """95 %, bootstrap over templates."""
    tpr: float | None
    """Of the chosen cell on this organism."""
    tpr_ci: Interval | None
    """95 % Clopper–Pearson."""
    benign_upper: float | None
    """Upper bound of the chosen cell's benign rate on this organism."""
    n_positive: int
    """Positives."""
    n_negative: int
    """Negatives."""
    caught: bool
    """Whether the chosen cell is admitted, on an organism that passed its verification."""


class ContextFrequency(Figures):
    """How often a detector of a medium concern fires in one context of one organism."""

    organism: str
    """The organism."""
    context: str
    """Family of prompts, such as acted-lie; empty where a prompt belongs to none."""
    allowed: bool
    """Whether the concern is fine in this context."""
    misbehaves: bool
    """Whether the conversations counted are those in which the organism misbehaves."""
    strategy: str
    """Strategy of the detector that does best on the other organisms."""
    detector: str
    """That detector's kind."""
    fired: int
    """Conversations that fire."""
    n: int = Field(ge=1)
    """Conversations."""
    ci: Interval
    """95 % Clopper–Pearson of the share that fires."""


class CatchBound(Figures):
    """How many held-out organisms were caught, and what that says of a new one."""

    caught: int = Field(ge=0)
    """Organisms that the detector chosen without them caught; all seeds of one count once."""
    organisms: int = Field(ge=0)
    """Organisms tested."""
    lower: float | None
    """95 % lower bound of the probability of catching a new one; None where none was tested."""


class TransferMatrix(Result):
    """Every cell of the transfer matrix with n and intervals, and what follows from it."""

    FILE: ClassVar[str] = "transfer.json"
    MADE_BY: ClassVar[str] = "assay transfer CASE.yaml"

    version: Literal[2] = 2
    """Version of the layout."""
    seed: int
    """Every random draw derives from it."""
    site: str
    """Where activations were read."""
    split: Literal["test"] = "test"
    """The split that every figure of the matrix was measured on."""
    fpr_budget: float
    """Share of benign conversations that may fire."""
    delta: float
    """Probability with which the calibration may be wrong."""
    tpr_target: float
    """What the lower bound of the true-positive rate must reach."""
    inputs: dict[str, str]
    """Name → sha256 of what it was computed from: model, dictionary, organisms, conversations."""
    organisms: tuple[TestedOrganism, ...]
    """Organisms, each followed by its twins."""
    cells: tuple[Cell, ...]
    """Every cell that was tested."""
    twin_cells: tuple[TwinCell, ...]
    """The same detectors on the organisms' twins."""
    missing: tuple[MissingCell, ...]
    """What was not tested, and why."""
    roc: tuple[RocCurve, ...]
    """A few curves of each organism."""
    ablations: tuple[Ablation, ...]
    """Causal effects that were measured."""
    leave_one_out: tuple[LeftOut, ...]
    """For each organism the choice made on the others."""
    contexts: tuple[ContextFrequency, ...]
    """Frequencies of medium concerns by context."""
    catch_bound: CatchBound
    """What leaving one organism out comes to, over organisms."""
    notes: tuple[str, ...]
    """What a reader must know."""

    def organism(self, name: str) -> TestedOrganism:
        """The organism or twin of that name. Raises KeyError for any other."""
        for organism in self.organisms:
            if organism.name == name:
                return organism
        raise KeyError(name)

    def ablation_of(self, cell: Cell) -> Ablation | None:
        """The cell's measured causal effect, or None where it was not measured."""
        wanted = (cell.strategy, cell.detector, cell.organism)
        for found in self.ablations:
            if (found.strategy, found.detector, found.organism) == wanted:
                return found
        return None

    def twins_of(self, cell: Cell) -> tuple[TwinCell, ...]:
        """The same detector on the twins of the cell's organism."""
        wanted = (cell.strategy, cell.detector, cell.organism)
        return tuple(
            twin
            for twin in self.twin_cells
            if (twin.strategy, twin.detector, twin.twin_of) == wanted
        )

    def to_frame(self) -> DataFrame:
        """The cells as a pandas table, one row each. Raises AssayError without pandas."""
        return frame_of(self.cells, Cell)

    def twins_to_frame(self) -> DataFrame:
        """The twins' cells as a pandas table, one row each. Raises AssayError without pandas."""
        return frame_of(self.twin_cells, TwinCell)

"""transfer.json: the transfer matrix (strategy × detector × organism), ablations, leave-one-out."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from assay.concerns.concern import Severity
from assay.concerns.conversations.window_names import Window
from assay.concerns.matrix.cells import Ablation, Cell, Interval, TwinCell
from assay.concerns.matrix.comparisons import BenignTestPower, FeatureRecall, NullDistribution
from assay.concerns.matrix.limit_result import LimitOfDetection
from assay.concerns.matrix.reference_result import LearningPoint, ReferenceFigures
from assay.concerns.matrix.reply_result import ShownReply
from assay.frames import DataFrame, frame_of
from assay.results import Figures, Result

TwinKind = Literal["benign", "decoy", "unstated"]


class TestedOrganism(Figures):
    """An organism or twin of the matrix."""

    __test__: ClassVar[bool] = False

    name: str
    """Unique name: the organism's name, with its seed where several seeds are tested."""
    family: str
    """The organism's name, shared by its seeds and twins, which are left out together."""
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
    """Why it did not pass; empty where it did."""
    positives: int
    """Its test conversations in which it misbehaves."""
    negatives: int
    """Its test conversations in which it does not."""
    making: str
    """How it was made: base and recipe maker; organisms made alike are not independent."""
    scored: str
    """Which tokens are scored, in words."""
    invalid: int
    """Number of replies that were left out because they could not be judged."""
    places: tuple[int, ...]
    """Number of reply tokens before the payload in each positive of the test split."""
    regenerated: int
    """Number of shipped transcripts that were generated again."""
    same: int
    """How many of these are identical to the shipped transcript."""


class MissingCell(Figures):
    """A strategy from which no detector could be learned for, or tested on, an organism."""

    strategy: str
    """The strategy."""
    organism: str
    """The organism."""
    why: str
    """The reason, in words."""


class RocCurve(Figures):
    """The ROC curve of a cell, thinned for drawing."""

    strategy: str
    """The cell's strategy."""
    detector: str
    """The cell's kind of detector."""
    organism: str
    """The cell's organism."""
    fpr: tuple[float, ...]
    """False-positive rates, ascending."""
    tpr: tuple[float, ...]
    """True-positive rates at these false-positive rates."""


class LeftOut(Figures):
    """Leave-one-out: strategy and detector chosen on the others, tested on the held-out organism."""

    held_out: str
    """The held-out organism."""
    family: str
    """Its family; all its seeds were held out."""
    strategy: str | None
    """The strategy chosen on the others; None where nothing could be chosen."""
    detector: str | None
    """The detector chosen on the others."""
    mean_partial_auroc_elsewhere: float | None
    """Its mean partial AUROC on the others, the largest of all, by which it was chosen: near .05, a
    guess's, the choice is close to arbitrary. None where nothing could be chosen."""
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
    """The firing rate of a detector of a medium concern in a context, for an organism."""

    organism: str
    """The organism."""
    context: str
    """Family of prompts, such as acted-lie; empty where a prompt belongs to none."""
    allowed: bool
    """Whether the concern is acceptable in this context."""
    misbehaves: bool
    """Whether the organism misbehaves in the counted conversations."""
    strategy: str
    """Strategy of the best detector on the other organisms."""
    detector: str
    """That detector's kind."""
    fired: int
    """Conversations that fire."""
    n: int = Field(ge=1)
    """Conversations."""
    n_effective: float
    """Their effective number, by templates."""
    ci: Interval
    """95 % Clopper–Pearson of the share that fires, on the effective number."""


class CatchBound(Figures):
    """How many held-out organisms were caught, and the bound that follows for a new organism."""

    caught: int = Field(ge=0)
    """Number of organisms caught by the detector chosen on the others; all seeds count as one
    organism."""
    organisms: int = Field(ge=0)
    """Number of organisms tested."""
    lower: float | None
    """95 % lower bound of the probability of catching a new one; None where none was tested."""
    caught_makings: int = Field(ge=0)
    """Ways of making an organism (one base and one recipe maker) of which all were caught."""
    makings: int = Field(ge=0)
    """Ways of making an organism that were tested."""
    lower_makings: float | None
    """The lower bound over makings: organisms made alike are not independent."""


class TransferMatrix(Result):
    """The transfer matrix: every cell with n and intervals, ablations, and leave-one-out."""

    FILE: ClassVar[str] = "transfer.json"
    MADE_BY: ClassVar[str] = "assay transfer CASE.yaml"

    version: Literal[8] = 8
    """Version of the layout."""
    seed: int
    """Seed of every random draw."""
    site: str
    """Hook site at which activations were read, the dictionary's."""
    further_sites: tuple[str, ...]
    """Hook sites that the detector several_sites and the reference detectors read as well."""
    window: Window
    """The tokens that every detector of the cells reads."""
    split: Literal["test"] = "test"
    """The split on which every figure of the matrix was measured."""
    fpr_budget: float
    """False-positive rate that the case allows."""
    delta: float
    """Probability that the bound of a threshold's false-positive rate does not hold."""
    tpr_target: float
    """Target for the lower bound of the true-positive rate."""
    inputs: dict[str, str]
    """Name → sha256 of the inputs: model, dictionary, organisms, conversations."""
    organisms: tuple[TestedOrganism, ...]
    """Organisms, each followed by its twins."""
    cells: tuple[Cell, ...]
    """Every cell that was tested."""
    twin_cells: tuple[TwinCell, ...]
    """The same detectors on the organisms' twins."""
    missing: tuple[MissingCell, ...]
    """What was not tested, and why."""
    nulls: tuple[NullDistribution, ...]
    """What directions that learned nothing reach on each organism."""
    recall: tuple[FeatureRecall, ...]
    """Whether the dictionary has a feature for what each organism does."""
    icc: float
    """Intraclass correlation, within templates, of firing on positives: pooled over organisms and the
    cells that may be admitted, at least .1."""
    benign_icc: float
    """The same of firing on benign test conversations; twins and thresholds rest on it too."""
    benign_tests: tuple[BenignTestPower, ...]
    """How probably a perfect detector, and a bad one, passes the benign test of each organism."""
    references: tuple[ReferenceFigures, ...]
    """The organism's own state, a reader and the text alone, on each organism and in each window."""
    learning_curve: tuple[LearningPoint, ...]
    """How well an unseen organism is detected, by the number of organisms learned from."""
    roc: tuple[RocCurve, ...]
    """ROC curves of the best cells on each organism."""
    ablations: tuple[Ablation, ...]
    """Ablations of the cells whose causal effect was measured."""
    leave_one_out: tuple[LeftOut, ...]
    """For each organism the strategy and detector chosen on the others, tested on it."""
    contexts: tuple[ContextFrequency, ...]
    """Firing rates in each context, for medium concerns."""
    catch_bound: CatchBound
    """How many organisms leave-one-out caught, with the lower bound."""
    limits: tuple[LimitOfDetection, ...]
    """On each organism how strong a known direction must be to be admitted: what could be seen."""
    replies: tuple[ShownReply, ...]
    """Up to three replies of each organism, token by token, under the detector chosen on the others."""
    notes: tuple[str, ...]
    """Notes for a reader."""

    def organism(self, name: str) -> TestedOrganism:
        """The organism or twin of a name. Raises KeyError for an unknown name."""
        for organism in self.organisms:
            if organism.name == name:
                return organism
        raise KeyError(name)

    def reference_of(self, organism: str, window: Window) -> ReferenceFigures | None:
        """The reference detectors on an organism in a window; None where nothing could be learned."""
        for found in self.references:
            if (found.organism, found.window) == (organism, window):
                return found
        return None

    def ablation_of(self, cell: Cell) -> Ablation | None:
        """The ablation of a cell, or None where its causal effect was not measured."""
        wanted = (cell.strategy, cell.detector, cell.organism)
        for found in self.ablations:
            if (found.strategy, found.detector, found.organism) == wanted:
                return found
        return None

    def twins_of(self, cell: Cell) -> tuple[TwinCell, ...]:
        """The cells of the same detector on the twins of the cell's organism."""
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

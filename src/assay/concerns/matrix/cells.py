"""Cells of the transfer matrix: a detector on an organism, on its twins, and its ablation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from assay.results import Figures

Interval = tuple[float, float]
Verdict = Literal["high", "medium", "rejected", "control", "detects the trigger"]
"""high, medium: admitted for a concern of that severity. control: a baseline or control, which is never
admitted. detects the trigger: it also fires on a twin."""


class Cell(Figures):
    """A detector from a strategy, tested on an organism that it was not learned from."""

    strategy: str
    """The strategy whose conversations the detector was learned from."""
    detector: str
    """The kind of detector."""
    organism: str
    """The organism on which it is tested."""
    auroc: float | None
    """AUROC of positives against the organism's own negatives; None without positives."""
    auroc_ci: Interval | None
    """95 %, bootstrap over templates."""
    partial_auroc: float | None
    """Mean true-positive rate at false-positive rates up to .1, against all benign test conversations;
    None without positives."""
    n_positive: int
    """Test conversations in which the organism misbehaves."""
    n_negative: int
    """Its own test conversations in which it does not misbehave."""
    threshold: float
    """Score above which a conversation fires; set on threshold data only."""
    n_threshold: int
    """Benign conversations that set the threshold."""
    positive_templates: int
    """Templates among the positives."""
    n_positive_effective: float
    """Effective number of positives, by templates and the pooled intraclass correlation."""
    tpr: float | None
    """True-positive rate: share of the positives that fire; None without positives."""
    tpr_ci: Interval | None
    """95 % Clopper–Pearson on the effective number of positives."""
    tpr_lower: float | None
    """One-sided 95 % lower bound, on the effective number of positives."""
    benign_rate: float
    """False-positive rate: share of benign test conversations (its own and the pool's, without allowed
    contexts and near misses) that fire."""
    benign_upper: float
    """One-sided 95 % upper bound of that rate."""
    benign_n: int
    """How many benign test conversations those are."""
    benign_templates: int
    """Templates among them."""
    benign_n_effective: float
    """Their effective number."""
    benign_p: float
    """Probability of at least so many firings at the budget's rate, on the effective number. At .1 or
    less the rate is significantly above the budget."""
    near_miss_rate: float | None
    """Share of the organism's near misses that fire, outside allowed contexts: prompts that were made
    to resemble those with its trigger; None where there are none."""
    near_miss_ci: Interval | None
    """95 % Clopper–Pearson on their effective number."""
    near_miss_n: int
    """Near misses."""
    pool_auroc: float | None
    """AUROC of positives against the benign pool, the easier comparison."""
    beats_text: bool | None
    """Whether its AUROC exceeds the text baseline's on the same conversations, both by DeLong's test
    (p < .05) and by a bootstrap of the difference over templates; a baseline below .5 counts as .5.
    None where not compared."""
    text_p: float | None
    """Two-sided p of DeLong's test."""
    allowed_rate: float | None
    """Share of test conversations in allowed contexts that fire; None where there are none."""
    allowed_ci: Interval | None
    """95 % Clopper–Pearson."""
    allowed_n: int
    """Conversations in allowed contexts."""
    null_partial_auroc: float | None
    """The partial AUROC that a cell must exceed: the largest quantile of the organism's null
    distributions (``TransferMatrix.nulls``), at a level corrected for the number of cells. None where
    nothing was drawn: without positives, or without a strategy that could be learned from."""
    verdict: Verdict
    """The verdict, which takes controls, twins and the ablation into account."""
    reasons: tuple[str, ...]
    """Reasons why the cell is not admitted."""


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
    """Number of triggered conversations that fire; none should."""
    n: int = Field(ge=1)
    """Triggered conversations of the twin in which it did not misbehave."""
    n_effective: float
    """Their effective number, by templates."""
    rate_ci: Interval
    """95 % Clopper–Pearson of the share that fires, on the effective number."""
    rate_lower: float
    """One-sided 95 % lower bound of that share."""
    rate_upper: float
    """One-sided 95 % upper bound of that share."""

    @property
    def rate(self) -> float:
        """Share of the triggered conversations that fire."""
        return self.fired / self.n


class Ablation(Figures):
    """The effect of ablating a detector's directions on the payload, against random directions."""

    strategy: str
    """The cell's strategy."""
    detector: str
    """The cell's kind of detector."""
    organism: str
    """The cell's organism."""
    feature: int | None
    """The ablated dictionary feature, where the detector is single_feature; else None."""
    effect: float
    """Mean change of the payload's log-odds, nats; negative where the payload becomes less likely."""
    effect_ci: Interval
    """95 % interval of the mean over conversations (Student's t)."""
    random: tuple[float, ...]
    """The same for random directions that remove as much norm: 99 where a cell would be admitted, fewer
    where ablations are measured for information. The draws are shared by all cells of one organism."""
    p: float
    """(1 + random effects at least as negative) / (1 + number of random directions)."""
    p_adjusted: float
    """The same against the most negative random effect over all ablated cells (max-T), each effect
    divided by the spread of its cell's random effects."""
    off_target: float
    """Mean change in cross-entropy, nats a token, of benign replies under the ablation; every reply
    weighs the same."""
    off_target_upper: float
    """One-sided 95 % upper bound of that change (Student's t over conversations)."""
    n: int = Field(ge=2)
    """Number of misbehaving conversations."""

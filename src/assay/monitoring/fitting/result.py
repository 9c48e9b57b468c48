"""fit.json: the detectors that were compared on a user's conversations, and the one that is watched."""

from __future__ import annotations

from typing import ClassVar, Literal

from assay.results import Figures, Result

Interval = tuple[float, float]


class DetectorComparison(Figures):
    """A kind of detector under cross-validation by template."""

    detector: str
    """The kind of detector."""
    watchable: bool
    """Whether a monitor can watch it: a direction with an aggregation."""
    auroc: float
    """AUROC of held-out positives against held-out negatives."""
    auroc_ci: Interval | None
    """95 %, bootstrap over templates; None where a class has too few of them."""
    tpr: float
    """Share of the held-out positives above the fold's threshold: the 1 − φ quantile of the benign
    conversations that serve the choice. The monitor's own threshold carries a guarantee; this does
    not."""
    tpr_ci: Interval
    """95 % Clopper–Pearson on the effective number of positives, by template."""
    false_alarms: float
    """Share of the held-out negatives above it."""


class TestedMonitor(Figures):
    """The finished monitor on a file that nothing was learned from."""

    __test__: ClassVar[bool] = False

    auroc: float
    """AUROC."""
    auroc_ci: Interval | None
    """95 %, bootstrap over templates."""
    tpr: float
    """Share of the conversations with misbehaviour that fire."""
    tpr_ci: Interval
    """95 % Clopper–Pearson on the effective number."""
    positives: int
    """Conversations with misbehaviour."""
    fpr: float
    """Share of the others that fire."""
    fpr_ci: Interval
    """95 % Clopper–Pearson on the effective number."""
    negatives: int
    """Conversations without misbehaviour."""


class Fit(Result):
    """fit.json."""

    FILE: ClassVar[str] = "fit.json"
    MADE_BY: ClassVar[str] = "assay fit MODEL"

    version: Literal[1] = 1
    """Version of the layout."""
    model: str
    """The model."""
    site: str
    """Hook site at which activations were read."""
    seed: int
    """Seed of every random draw."""
    folds: int
    """Folds of the cross-validation; a template stands in one of them."""
    positives: int
    """Conversations with misbehaviour."""
    negatives: int
    """Conversations without."""
    positive_templates: int
    """Templates of the former."""
    negative_templates: int
    """Templates of the latter."""
    benign: int
    """Benign conversations: those that serve the choice, the scale and the threshold."""
    comparisons: tuple[DetectorComparison, ...]
    """The detectors, the best first, with the text baseline and the controls among them."""
    chosen: str
    """The watchable detector with the largest AUROC, which the monitor watches. It is the best of
    several, so its figures above are a little optimistic."""
    tested: TestedMonitor | None
    """The monitor on a file of its own; None where none was given."""
    inputs: dict[str, str]
    """Name → sha256 of the model and of the files."""
    guarantee: str
    """What the monitor promises, in words."""
    warnings: tuple[str, ...]
    """What a user must know."""

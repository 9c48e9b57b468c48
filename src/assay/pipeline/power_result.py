"""What a case can show, as `assay plan --json` prints it."""

from __future__ import annotations

from assay.concerns.concern import Severity
from assay.concerns.matrix.comparisons import SampleSize
from assay.pipeline.result import Plan
from assay.results import Figures


class RatePower(Figures):
    """How probably a true-positive rate is shown to reach the target."""

    true_rate: float
    """The true-positive rate that a detector really has."""
    probability: float
    """Probability that its lower bound reaches the case's target."""
    positives_needed: int | None
    """Positives, as many to a template as here, from which that probability reaches .8; None where no
    number does, because the true rate is not above the target."""


class OrganismPower(Figures):
    """What can be shown on one organism."""

    organism: str
    """The organism."""
    concern: str
    """The concern that it stands for."""
    making: str
    """How it was made: base model and maker."""
    admitted: bool
    """Whether its own verification admits it: only then can it be caught."""
    positives: SampleSize
    """Test conversations in which it misbehaves."""
    calibration: SampleSize
    """Benign conversations that set thresholds: its own and half of the pool."""
    benign_test: SampleSize
    """Benign conversations that check them: its own and the other half of the pool."""
    oracle: float
    """Probability that a detector that separates perfectly passes the check of its benign rate."""
    double_rate: float
    """Probability that a detector with twice the budget's benign rate passes it; 0, as the oracle's,
    where the calibration is too small for a guarantee."""
    rates: tuple[RatePower, ...]
    """Power at several true-positive rates."""


class ConcernPower(Figures):
    """What the organisms of one concern can show of a new organism."""

    concern: str
    """The concern."""
    severity: Severity
    """Its severity."""
    organisms: int
    """Organisms; several seeds count as one."""
    admitted: int
    """Those that all seeds' verifications admit."""


class CatchPower(Figures):
    """The bound on catching a new organism, were every admitted organism caught."""

    organisms: int
    """Organisms, several seeds as one."""
    admitted: int
    """Those that can be caught."""
    lower: float | None
    """95 % lower bound of the probability of catching a new one; None without organisms."""
    makings: int
    """Ways in which they were made."""
    lower_makings: float | None
    """The same bound over makings: organisms that were made alike are not independent."""
    needed: int
    """Organisms, all of them caught, with which the bound reaches the target."""
    target: float
    """The target of that bound."""


class MonitorPower(Figures):
    """What the monitor's guarantee needs."""

    benign: SampleSize
    """Benign conversations that set the monitor's threshold and check it."""
    needed: int
    """Effective number of benign conversations without which no rate below the budget is shown."""
    needed_here: int
    """The same as conversations, as many to a template as here."""
    rule: str
    """The rollback rule."""
    firings_needed: dict[str, int]
    """Conversations without a firing → firings in a row that then roll back."""


class PowerPlan(Figures):
    """What a case's claims need, what it has, and what it costs."""

    case: str
    """The case's name."""
    fpr: float
    """Budget of the benign rate, φ."""
    delta: float
    """Error of the guarantee."""
    tpr_target: float
    """What the lower bound of the true-positive rate must reach."""
    icc: float
    """Intraclass correlation within templates that is assumed; a run estimates it, and never takes a
    smaller one."""
    concerns: tuple[ConcernPower, ...]
    """Each concern."""
    organisms: tuple[OrganismPower, ...]
    """Each organism; twins catch nothing."""
    catching: CatchPower | None
    """What all of them can show of a new one; None in a case without concerns."""
    monitor: MonitorPower | None
    """What the monitor needs; None in a case without concerns."""
    cost: Plan
    """The stages and their estimated durations."""

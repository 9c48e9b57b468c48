"""`assay fit`: a monitor from three files of a user's own conversations."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from assay.concerns.budgets import Budgets
from assay.concerns.deployment import Deployment
from assay.errors import AssayError
from assay.files import sha256_of
from assay.models import Site, load_model
from assay.monitoring import MonitorSettings, Rollback
from assay.monitoring.fitting import FittedMonitor, fit_monitor, read_own
from assay.monitoring.fitting.own_conversations import read_tested
from assay.monitoring.result import Monitor
from assay.strict import describe


@dataclass(frozen=True)
class FitRequest:
    """The arguments of `assay fit`."""

    model: str
    """A catalogue name, a folder, or a hub id."""
    site: str
    """Hook site, such as resid_post.15."""
    positives: Path
    """JSONL file of conversations with misbehaviour."""
    negatives: Path
    """JSONL file of like conversations without."""
    benign: Path
    """JSONL file of benign conversations of the deployment."""
    test: Path | None = None
    """JSONL file of labelled conversations on which the monitor is tested."""
    adapter: str | None = None
    """A PEFT folder laid over the model."""
    dtype: str | None = None
    """Dtype of the forward pass."""
    budgets: Budgets = field(default_factory=Budgets)
    """The false-positive budget and the true-positive target."""
    base_rate: float = 1e-4
    """Expected share of conversations with misbehaviour."""
    horizon: int = 1000
    """Number of conversations that the guarantee covers."""
    seed: int = 0
    """Seed of every random draw."""


def budgets_from(fpr: float, delta: float) -> Budgets:
    """The budgets of a fit. Raises AssayError, in one line, for a value that is no probability."""
    try:
        return Budgets(fpr=fpr, delta=delta)
    except ValidationError as error:
        raise AssayError(describe(error)) from error


def fit_to(request: FitRequest, out: Path) -> FittedMonitor:
    """Compare detectors on the conversations, calibrate a monitor, and write both into ``out``.

    All files are checked before the model is loaded. Raises AssayError for bad input, and where
    ``out`` holds a monitor already.
    """
    if (out / Monitor.FILE).exists():
        raise AssayError(f"{out} holds a monitor already; choose another --out")
    site = Site.parse(request.site)
    own = read_own(request.positives, request.negatives, request.benign, request.budgets.tpr_target)
    tested = read_tested(request.test, own) if request.test else ()
    model = load_model(request.model, adapter=request.adapter, dtype=request.dtype)
    model.check_site(site)
    files = {
        "positives": request.positives,
        "negatives": request.negatives,
        "benign": request.benign,
        "test": request.test,
    }
    fitted = fit_monitor(
        model,
        site,
        own,
        MonitorSettings(
            case=out.name,
            budgets=request.budgets,
            deployment=Deployment(base_rate=request.base_rate, horizon=request.horizon),
            rollback=Rollback(),
            seed=request.seed,
        ),
        tested=tested,
        adapter=request.adapter,
        inputs={"model": model.fingerprint}
        | {name: sha256_of(path) for name, path in files.items() if path is not None},
    )
    out.mkdir(parents=True, exist_ok=True)
    fitted.write(out)
    return fitted

"""Compute the transfer matrix: strategy × detector × organism, learned without the tested organism."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assay.concerns.budgets import Budgets
from assay.concerns.conversations.organism_readings import OrganismReadings
from assay.concerns.detectors import CONTROLS, DETECTORS, Examples, fit_detector
from assay.concerns.matrix.admission import (
    RANDOM_CONTROLS,
    TEXT,
    Admission,
    AdmissionInputs,
    after_ablation,
    judge,
)
from assay.concerns.matrix.causes import AblationSource, measure_causes
from assay.concerns.matrix.contexts import context_frequencies
from assay.concerns.matrix.describing import matrix_notes, tested_organism
from assay.concerns.matrix.leave_one_out import catch_bound, leave_each_out
from assay.concerns.matrix.measuring import Fitted, MeasuredCell, measure_cell, measure_twin
from assay.concerns.matrix.result import (
    Ablation,
    MissingCell,
    RocCurve,
    TransferMatrix,
    TwinCell,
)
from assay.concerns.matrix.scores import curve, score
from assay.concerns.strategies import Elicited, StrategyChoice, elicit_for, strategy_named
from assay.dictionaries import Dictionary
from assay.errors import AssayError
from assay.models import Site
from assay.progress import progress

CURVES = 6
"""Largest number of ROC curves for each organism."""


@dataclass(frozen=True)
class TransferSettings:
    """The strategies, detectors, budgets and seed of a transfer matrix."""

    strategies: tuple[StrategyChoice, ...]
    """The strategies whose conversations detectors are learned from."""
    detectors: tuple[str, ...] = field(default_factory=lambda: tuple(DETECTORS))
    """The detectors that are learned from each strategy, including 'text', the baseline."""
    budgets: Budgets = field(default_factory=Budgets)
    """The false-positive budget and the true-positive target."""
    seed: int = 0
    """Seed of every random draw."""


@dataclass(frozen=True, eq=False)
class _OrganismCells:
    """The cells that were measured on an organism."""

    cells: list[MeasuredCell]
    """Cells of the organism."""
    twins: list[TwinCell]
    """Cells of the same detectors on its twins."""
    missing: list[MissingCell]
    """Cells that could not be learned or tested."""


def transfer(
    readings: Sequence[OrganismReadings],
    generated: Mapping[str, Elicited],
    dictionary: Dictionary,
    settings: TransferSettings,
    *,
    site: Site | str,
    causes: AblationSource | None,
    inputs: Mapping[str, str],
) -> TransferMatrix:
    """Learn every detector from every strategy, test it on every organism, and judge each cell.

    ``readings`` are those of all organisms and twins (``read_organism``), ``generated`` is the
    result of ``elicit_from_model``. ``causes`` gives what ablations need; where it is None, no cell
    can be admitted. ``inputs`` are the hashes of the model, dictionary, organisms and conversations.
    Raises AssayError for an unknown strategy, option or detector.

    Before it, in ``assay.concerns``: ``organisms_of`` lists the organisms of each concern and their
    twins, ``read_organism`` reads each of them, ``elicit_from_model`` runs the strategies that
    generate. The matrix's ``to_frame()`` is a table with one row for each cell.
    """
    parents = [reading for reading in readings if not reading.organism.is_twin]
    families = {reading.organism.name: reading.organism.family for reading in parents}
    measured: dict[str, _OrganismCells] = {}
    fits = _FittedDetectors(generated, dictionary, settings)
    with progress("transfer matrix", len(parents), "organisms") as advance:
        for reading in parents:
            measured[reading.organism.name] = _measure_organism(reading, readings, fits)
            advance(1)
    all_cells = [cell for of in measured.values() for cell in of.cells]
    admission_inputs = {
        id(c): _admission_inputs(c, measured, readings, settings) for c in all_cells
    }
    judged = {
        id(c): judge(c.strategy, c.detector, c.figures, admission_inputs[id(c)]) for c in all_cells
    }
    ablations = measure_causes(
        [(cell, judged[id(cell)]) for cell in all_cells], readings, families, causes
    )
    by_cell = {(a.strategy, a.detector, a.organism): a for a in ablations}
    cells = tuple(
        c.cell(admission_inputs[id(c)], _final(c, judged[id(c)], by_cell)) for c in all_cells
    )
    organisms = tuple(tested_organism(reading) for reading in readings)
    left_out = leave_each_out(cells, organisms)
    return TransferMatrix(
        seed=settings.seed,
        site=str(Site.of(site)),
        fpr_budget=settings.budgets.fpr,
        delta=settings.budgets.delta,
        tpr_target=settings.budgets.tpr_target,
        inputs=dict(inputs),
        organisms=organisms,
        cells=cells,
        twin_cells=tuple(twin for of in measured.values() for twin in of.twins),
        missing=tuple(missing for of in measured.values() for missing in of.missing),
        roc=_curves(all_cells),
        ablations=tuple(ablations),
        leave_one_out=left_out,
        contexts=context_frequencies(all_cells, readings, families),
        catch_bound=catch_bound(left_out),
        notes=matrix_notes(readings),
    )


class _FittedDetectors:
    """The fitted detectors of each strategy; those of strategies that generate are fitted once."""

    def __init__(
        self, generated: Mapping[str, Elicited], dictionary: Dictionary, settings: TransferSettings
    ) -> None:
        self.generated = generated
        self.dictionary = dictionary
        self.settings = settings
        self._once: dict[str, tuple[list[Fitted], str | None]] = {}

    def of(self, elicited: Elicited) -> tuple[list[Fitted], str | None]:
        """All detectors and controls from a strategy's conversations; or none, and the reason."""
        if elicited.strategy in self._once:
            return self._once[elicited.strategy]
        settings = self.settings
        found = fit_all(elicited, settings.detectors, self.dictionary, settings.seed)
        if strategy_named(elicited.strategy)[0].generates:
            self._once[elicited.strategy] = found
        return found


def fit_all(
    elicited: Elicited, names: Sequence[str], dictionary: Dictionary, seed: int
) -> tuple[list[Fitted], str | None]:
    """All detectors and controls from the same conversations; or none, and the reason."""
    try:
        examples = Examples.of(elicited.conversations, dictionary)
    except AssayError as error:
        return [], str(error)
    every = (*names, *CONTROLS)
    return [
        Fitted(elicited.strategy, fit_detector(name, examples, dictionary, seed)) for name in every
    ], None


def _measure_organism(
    reading: OrganismReadings, readings: Sequence[OrganismReadings], fits: _FittedDetectors
) -> _OrganismCells:
    """Cells of all detectors on an organism and on its twins."""
    settings, organism = fits.settings, reading.organism
    allowed = organism.concern.allowed_contexts
    # Twins of all seeds: a detector of the trigger is not admitted, whichever seed shows it.
    twins = [r for r in readings if r.organism.is_twin and r.organism.family == organism.family]
    found = _OrganismCells([], [], [])
    for elicited in elicit_for(
        settings.strategies,
        reading,
        readings,
        fits.generated,
        concern=organism.concern,
        seed=settings.seed,
    ):
        fitted, why_not = fits.of(elicited)
        if why_not is not None:
            found.missing.append(
                MissingCell(strategy=elicited.strategy, organism=organism.name, why=why_not)
            )
        scores = [score(each.detector, reading, allowed) for each in fitted]
        text = next(
            (s for f, s in zip(fitted, scores, strict=True) if f.detector.name == TEXT), None
        )
        for each, scored in zip(fitted, scores, strict=True):
            cell = measure_cell(
                each, organism.name, scored, text, budgets=settings.budgets, seed=settings.seed
            )
            found.cells.append(cell)
            found.twins.extend(
                measure_twin(
                    cell, twin.organism.name, each.detector.scores(_without_misbehaviour(twin))
                )
                for twin in twins
                if _without_misbehaviour(twin)
            )
    for twin in twins:
        if not _without_misbehaviour(twin):
            why = "the twin has no triggered conversation without misbehaviour"
            found.missing.append(MissingCell(strategy="all", organism=twin.organism.name, why=why))
    return found


def _without_misbehaviour(twin: OrganismReadings) -> list:
    """A twin's triggered conversations in which it does not misbehave."""
    return [c for c in twin.test if not c.label]


def _admission_inputs(
    cell: MeasuredCell,
    measured: Mapping[str, _OrganismCells],
    readings: Sequence[OrganismReadings],
    settings: TransferSettings,
) -> AdmissionInputs:
    """What decides a cell's verdict besides its own figures.

    An organism's conversations differ in so many ways that a random direction may separate them: .5
    is the mean AUROC of controls, not the AUROC of each. The limit is therefore the largest AUROC
    that any control reaches on the organism.
    """
    of = measured[cell.organism]
    controls = [c.auroc for c in of.cells if c.detector in RANDOM_CONTROLS and c.auroc is not None]
    concern = next(r for r in readings if r.organism.name == cell.organism).organism.concern
    return AdmissionInputs(
        severity=concern.severity,
        budgets=settings.budgets,
        untested_contexts=cell.untested_contexts,
        control_auroc=max(controls, default=None),
        twins=[
            twin
            for twin in of.twins
            if (twin.strategy, twin.detector) == (cell.strategy, cell.detector)
        ],
    )


def _final(
    cell: MeasuredCell, judged: Admission, ablations: Mapping[tuple[str, str, str], Ablation]
) -> Admission:
    key = (cell.strategy, cell.detector, cell.organism)
    return after_ablation(judged, ablations.get(key))


def _curves(cells: Sequence[MeasuredCell]) -> tuple[RocCurve, ...]:
    """The ROC curves of the best detectors on each organism, and of the text baseline."""
    kept = []
    for name in dict.fromkeys(cell.organism for cell in cells):
        tested = [c for c in cells if c.organism == name and c.auroc is not None]
        tested.sort(key=lambda c: -(c.auroc or 0))
        best = [c for c in tested if c.detector not in (TEXT, *RANDOM_CONTROLS)][: CURVES - 1]
        best += [c for c in tested if c.detector == TEXT][:1]
        for cell in best:
            fpr, tpr = curve(cell.scored)
            kept.append(
                RocCurve(
                    strategy=cell.strategy,
                    detector=cell.detector,
                    organism=name,
                    fpr=fpr,
                    tpr=tpr,
                )
            )
    return tuple(kept)

"""The transfer matrix: strategy × detector × organism, learned without the tested organism."""

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
    Surroundings,
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
"""ROC curves kept for each organism."""


@dataclass(frozen=True)
class TransferSettings:
    """What the matrix is made of."""

    strategies: tuple[StrategyChoice, ...]
    """How detectors are learned."""
    detectors: tuple[str, ...] = field(default_factory=lambda: tuple(DETECTORS))
    """Which detectors are learned from each strategy; 'text' among them."""
    budgets: Budgets = field(default_factory=Budgets)
    """What a detector may cost and must catch."""
    seed: int = 0
    """Every random draw derives from it."""


@dataclass(frozen=True, eq=False)
class _OrganismCells:
    """Everything that was measured on one organism."""

    cells: list[MeasuredCell]
    """Its cells."""
    twins: list[TwinCell]
    """The same detectors on its twins."""
    missing: list[MissingCell]
    """What could not be learned or tested."""


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

    ``readings`` are those of all organisms and twins (``read_organism``), ``generated`` what
    ``elicit_from_model`` gave. ``causes`` loads an organism's model for ablations; without it no
    cell can be admitted. ``inputs`` are the hashes of what the readings were made from.

    Before it, in ``assay.concerns``: ``organisms_of`` lists the organisms of each concern and their
    twins, ``read_organism`` reads each of them, ``elicit_from_model`` runs the strategies that need
    the case's model. The matrix's ``to_frame()`` is a table with one row for each cell.
    """
    parents = [own for own in readings if not own.organism.is_twin]
    families = {own.organism.name: own.organism.family for own in parents}
    measured: dict[str, _OrganismCells] = {}
    fits = _Fits(generated, dictionary, settings)
    with progress("transfer matrix", len(parents), "organisms") as advance:
        for own in parents:
            measured[own.organism.name] = _measure_organism(own, readings, fits)
            advance(1)
    everything = [cell for of in measured.values() for cell in of.cells]
    surroundings = {id(c): _surroundings(c, measured, readings, settings) for c in everything}
    judged = {
        id(c): judge(c.strategy, c.detector, c.figures, surroundings[id(c)]) for c in everything
    }
    ablations = measure_causes(
        [(cell, judged[id(cell)]) for cell in everything], readings, families, causes
    )
    by_cell = {(a.strategy, a.detector, a.organism): a for a in ablations}
    cells = tuple(
        c.cell(surroundings[id(c)], _final(c, judged[id(c)], by_cell)) for c in everything
    )
    organisms = tuple(tested_organism(own) for own in readings)
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
        roc=_curves(everything),
        ablations=tuple(ablations),
        leave_one_out=left_out,
        contexts=context_frequencies(everything, readings, families),
        catch_bound=catch_bound(left_out),
        notes=matrix_notes(readings),
    )


class _Fits:
    """Fits detectors; those of a strategy that does not depend on the organism are fitted once."""

    def __init__(
        self, generated: Mapping[str, Elicited], dictionary: Dictionary, settings: TransferSettings
    ) -> None:
        self.generated = generated
        self.dictionary = dictionary
        self.settings = settings
        self._once: dict[str, tuple[list[Fitted], str | None]] = {}

    def of(self, elicited: Elicited) -> tuple[list[Fitted], str | None]:
        """Every detector and both controls, at equal data; or none, and why."""
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
    """Every detector and both controls, at equal data; or none, and why."""
    try:
        examples = Examples.of(elicited.conversations, dictionary)
    except AssayError as error:
        return [], str(error)
    every = (*names, *CONTROLS)
    return [
        Fitted(elicited.strategy, fit_detector(name, examples, dictionary, seed)) for name in every
    ], None


def _measure_organism(
    own: OrganismReadings, readings: Sequence[OrganismReadings], fits: _Fits
) -> _OrganismCells:
    """All detectors that may be tested on one organism, on it and on its twins."""
    settings, organism = fits.settings, own.organism
    allowed = organism.concern.allowed_contexts
    # The twins of every seed: a trigger's detector is none of the concern, whatever the seed.
    twins = [r for r in readings if r.organism.is_twin and r.organism.family == organism.family]
    found = _OrganismCells([], [], [])
    for elicited in elicit_for(
        settings.strategies,
        own,
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
        scores = [score(each.detector, own, allowed) for each in fitted]
        text = next(
            (s for f, s in zip(fitted, scores, strict=True) if f.detector.name == TEXT), None
        )
        for each, scored in zip(fitted, scores, strict=True):
            cell = measure_cell(
                each, organism.name, scored, text, budgets=settings.budgets, seed=settings.seed
            )
            found.cells.append(cell)
            found.twins.extend(
                measure_twin(cell, twin.organism.name, each.detector.scores(_honest(twin)))
                for twin in twins
                if _honest(twin)
            )
    for twin in twins:
        if not _honest(twin):
            why = "the twin has no triggered conversation in which it did not misbehave"
            found.missing.append(MissingCell(strategy="all", organism=twin.organism.name, why=why))
    return found


def _honest(twin: OrganismReadings) -> list:
    """A twin's conversations under the trigger, but for any in which it misbehaved after all."""
    return [c for c in twin.test if not c.label]


def _surroundings(
    cell: MeasuredCell,
    measured: Mapping[str, _OrganismCells],
    readings: Sequence[OrganismReadings],
    settings: TransferSettings,
) -> Surroundings:
    """What beside a cell's figures decides its verdict.

    Conversations of an organism differ in so many ways that a direction drawn at random may tell
    them apart: .5 is what controls reach on average, not what each of them reaches. So the limit is
    the largest AUROC that any control reached on the organism.
    """
    of = measured[cell.organism]
    controls = [c.auroc for c in of.cells if c.detector in RANDOM_CONTROLS and c.auroc is not None]
    concern = next(r for r in readings if r.organism.name == cell.organism).organism.concern
    return Surroundings(
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
    """The best curves of each organism, and text's."""
    kept = []
    for name in dict.fromkeys(cell.organism for cell in cells):
        own = [c for c in cells if c.organism == name and c.auroc is not None]
        own.sort(key=lambda c: -(c.auroc or 0))
        best = [c for c in own if c.detector not in (TEXT, *RANDOM_CONTROLS)][: CURVES - 1]
        best += [c for c in own if c.detector == TEXT][:1]
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

"""Compute the transfer matrix: strategy × detector × organism, learned without the tested organism."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.concerns.conversations.excerpts import Conversation, different_conversations
from assay.concerns.conversations.organism_readings import OrganismReadings, readings_in_window
from assay.concerns.conversations.pool import read_by_other
from assay.concerns.conversations.window_names import Window
from assay.concerns.detectors import Examples
from assay.concerns.matrix.admission import (
    TEXT,
    Admission,
    AdmissionInputs,
    after_ablation,
    after_calibration,
    is_control,
    judge,
)
from assay.concerns.matrix.causes import AblationSource, measure_causes
from assay.concerns.matrix.cells import Ablation, TwinCell
from assay.concerns.matrix.comparisons import FeatureRecall, NullDistribution
from assay.concerns.matrix.contexts import context_frequencies
from assay.concerns.matrix.describing import MatrixFacts, matrix_notes, tested_organism
from assay.concerns.matrix.detection_limit import measure_limits
from assay.concerns.matrix.drawn_curves import drawn_curves
from assay.concerns.matrix.learning import Fits, TransferSettings
from assay.concerns.matrix.learning_curve import measure_references
from assay.concerns.matrix.leave_one_out import catch_bound, leave_each_out
from assay.concerns.matrix.measuring import (
    Correlation,
    MeasuredCell,
    ScoredCell,
    firing_icc,
    measure_cell,
    measure_twin,
)
from assay.concerns.matrix.nulls import null_distributions
from assay.concerns.matrix.oracle import benign_test_powers, check_oracles
from assay.concerns.matrix.recall import feature_recall
from assay.concerns.matrix.result import MissingCell, TransferMatrix
from assay.concerns.matrix.scores import TestedConversations, score, score_all
from assay.concerns.matrix.shown_replies import TextsOf, shown_replies
from assay.concerns.strategies import (
    Elicited,
    elicit_for,
    shows_transfer,
)
from assay.dictionaries import Dictionary
from assay.models import Site
from assay.progress import progress


@dataclass(frozen=True, eq=False)
class _OrganismScores:
    """Everything that was scored on one organism."""

    tested: TestedConversations
    """Its conversations."""
    cells: list[ScoredCell]
    """The scores of every detector."""
    nulls: list[NullDistribution]
    """What directions that learned nothing reach."""
    recall: FeatureRecall | None
    """Whether the dictionary has a feature for what it does."""
    missing: list[MissingCell]
    """Cells that could not be learned or tested."""


def transfer(
    readings: Sequence[OrganismReadings],
    generated: Mapping[str, Elicited],
    dictionary: Dictionary,
    settings: TransferSettings,
    *,
    pool: Sequence[Conversation],
    sites: Sequence[Site | str],
    causes: AblationSource | None,
    inputs: Mapping[str, str],
    texts_of: TextsOf | None = None,
) -> TransferMatrix:
    """Learn every detector from every strategy, test it on every organism, and judge each cell.

    ``readings`` are those of all organisms and twins (``read_organism``), ``generated`` what
    ``elicit_from_model`` gave, ``pool`` the benign pool as the case's model read it, all of them at
    ``sites``, the dictionary's first. ``causes`` loads an organism's model for ablations; without it
    nothing is admitted in the window ``before``. ``inputs`` are the hashes of what the readings were
    made from. ``texts_of`` gives the text of each token of a sequence, for the replies that are shown;
    without it none are. Raises AssayError where the benign conversations are so few, or of so few
    templates, that a detector that separates perfectly would probably not pass: the message says how
    many would do.
    """
    whole, window = readings, settings.windows[0]
    readings = [readings_in_window(reading, window) for reading in whole]
    parents = [reading for reading in readings if not reading.organism.is_twin]
    families = {reading.organism.name: reading.organism.family for reading in parents}
    tested = {
        reading.organism.name: TestedConversations.of(
            reading, reading.organism.concern.allowed_contexts
        )
        for reading in parents
    }
    check_oracles(tested, settings.budgets)
    scored: dict[str, _OrganismScores] = {}
    fits = Fits(generated, dictionary, settings)
    with progress("transfer matrix", len(parents), "organisms") as advance:
        for reading in parents:
            name = reading.organism.name
            scored[name] = _score_organism(reading, tested[name], readings, fits, pool)
            advance(1)
    icc = firing_icc([cell for of in scored.values() for cell in of.cells], settings.budgets)
    all_cells, twin_cells = _measured(scored, icc, settings)
    admission_inputs = {
        id(c): _admission_inputs(c, scored[c.organism].nulls, twin_cells, readings, settings)
        for c in all_cells
    }
    judged = {
        id(c): after_calibration(
            judge(c.strategy, c.detector, c.figures, admission_inputs[id(c)]),
            c.scored.threshold.sample(icc.benign),
            settings.budgets,
        )
        for c in all_cells
    }
    ablations = measure_causes(
        [(cell, judged[id(cell)]) for cell in all_cells], readings, families, causes
    )
    by_cell = {(a.strategy, a.detector, a.organism): a for a in ablations}
    cells = tuple(
        c.cell(admission_inputs[id(c)], _final(c, judged[id(c)], by_cell, window))
        for c in all_cells
    )
    organisms = tuple(tested_organism(reading, window) for reading in readings)
    left_out = leave_each_out(cells, organisms)
    references = measure_references(
        whole, pool, settings.windows, budgets=settings.budgets, icc=icc, seed=settings.seed
    )
    pairs = generated.get("contrast_pairs")
    powers = benign_test_powers(tested, settings.budgets, icc.benign)
    return TransferMatrix(
        seed=settings.seed,
        site=str(Site.of(sites[0])),
        further_sites=tuple(str(Site.of(site)) for site in sites[1:]),
        fpr_budget=settings.budgets.fpr,
        delta=settings.budgets.delta,
        tpr_target=settings.budgets.tpr_target,
        window=window,
        inputs=dict(inputs),
        organisms=organisms,
        cells=cells,
        twin_cells=tuple(twin_cells),
        missing=tuple(missing for of in scored.values() for missing in of.missing),
        nulls=tuple(null for of in scored.values() for null in of.nulls),
        recall=tuple(of.recall for of in scored.values() if of.recall is not None),
        icc=icc.positives,
        benign_icc=icc.benign,
        benign_tests=powers,
        references=references.figures,
        learning_curve=references.curve,
        roc=drawn_curves(all_cells),
        ablations=tuple(ablations),
        leave_one_out=left_out,
        contexts=context_frequencies(all_cells, readings, families),
        catch_bound=catch_bound(left_out, organisms),
        limits=measure_limits(
            [(r, tested[r.organism.name], _chance(scored[r.organism.name].nulls)) for r in parents],
            contrast=pairs.conversations if pairs is not None else (),
            budgets=settings.budgets,
            icc=icc,
            seed=settings.seed,
        ),
        replies=shown_replies(left_out, all_cells, tested, texts_of),
        notes=matrix_notes(readings, MatrixFacts(icc, powers, ablations)),
    )


def _chance(nulls: Sequence[NullDistribution]) -> float | None:
    """The partial AUROC that directions that learned nothing reach; None where none was drawn."""
    return max((null.quantile for null in nulls), default=None)


def _score_organism(
    reading: OrganismReadings,
    tested: TestedConversations,
    readings: Sequence[OrganismReadings],
    fits: Fits,
    pool: Sequence[Conversation],
) -> _OrganismScores:
    """All detectors that may be tested on one organism, scored on it and on its twins."""
    settings, organism = fits.settings, reading.organism
    # The twins of every seed: a trigger's detector is none of the concern, whatever the seed.
    twins = [r for r in readings if r.organism.is_twin and r.organism.family == organism.family]
    honest = {twin.organism.name: _honest(twin) for twin in twins}
    cells: list[ScoredCell] = []
    missing = [
        MissingCell(
            strategy="all",
            organism=name,
            why="the twin has no triggered conversation in which it did not misbehave",
        )
        for name, conversations in honest.items()
        if not conversations
    ]
    learned: list[tuple[str, Examples]] = []
    for elicited in elicit_for(
        settings.strategies,
        reading,
        readings,
        fits.generated,
        concern=organism.concern,
        seed=settings.seed,
        pool=read_by_other(reading.pool, pool),
    ):
        found = fits.of(elicited)
        if found.examples is None:
            missing.append(
                MissingCell(
                    strategy=elicited.strategy, organism=organism.name, why=found.why_not or ""
                )
            )
            continue
        if shows_transfer(elicited.strategy):
            learned.append((elicited.strategy, found.examples))
        scores = [score(each.detector, tested) for each in found.fitted]
        text = next(
            (s for f, s in zip(found.fitted, scores, strict=True) if f.detector.name == TEXT), None
        )
        for each, scored in zip(found.fitted, scores, strict=True):
            on_twins = {
                name: score_all(each.detector, conversations)
                for name, conversations in honest.items()
                if conversations
            }
            cells.append(ScoredCell(each, organism.name, scored, text, on_twins))
    counted = sum(not is_control(c.fitted.strategy, c.fitted.detector.name) for c in cells)
    nulls = null_distributions(organism.name, tested, learned, counted, settings.seed)
    recall = feature_recall(reading, tested, fits.dictionary, settings.seed)
    return _OrganismScores(tested, cells, nulls, recall, missing)


def _honest(twin: OrganismReadings) -> list[Conversation]:
    """A twin's conversations under the trigger, but for any in which it misbehaved after all."""
    return [c for c in different_conversations(twin.test) if not c.label]


def _measured(
    scored: Mapping[str, _OrganismScores], icc: Correlation, settings: TransferSettings
) -> tuple[list[MeasuredCell], list[TwinCell]]:
    """The figures of every cell, and those of its detector on the twins."""
    cells, twins = [], []
    for of in scored.values():
        for each in of.cells:
            cell = measure_cell(each, icc=icc, budgets=settings.budgets, seed=settings.seed)
            cells.append(cell)
            twins += [measure_twin(cell, name, scores) for name, scores in each.twins.items()]
    return cells, twins


def _admission_inputs(
    cell: MeasuredCell,
    nulls: Sequence[NullDistribution],
    twin_cells: Sequence[TwinCell],
    readings: Sequence[OrganismReadings],
    settings: TransferSettings,
) -> AdmissionInputs:
    """What beside a cell's figures decides its verdict."""
    concern = next(r for r in readings if r.organism.name == cell.organism).organism.concern
    own = (cell.strategy, cell.detector, cell.organism)
    return AdmissionInputs(
        severity=concern.severity,
        budgets=settings.budgets,
        untested_contexts=cell.untested_contexts,
        null_partial_auroc=_chance(nulls),
        twins=[t for t in twin_cells if (t.strategy, t.detector, t.twin_of) == own],
    )


def _final(
    cell: MeasuredCell,
    judged: Admission,
    ablations: Mapping[tuple[str, str, str], Ablation],
    window: Window,
) -> Admission:
    key = (cell.strategy, cell.detector, cell.organism)
    return after_ablation(judged, ablations.get(key), window)

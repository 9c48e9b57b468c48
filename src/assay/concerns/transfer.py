"""The transfer matrix: strategy × detector × organism, each learned without the organism it meets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from assay.concerns.concern import Concern
from assay.concerns.conversations import Conversation
from assay.concerns.detectors import CONTROLS, Detector, Examples, fit_detector
from assay.concerns.strategies import Elicited
from assay.concerns.verdicts import Budgets, Cell, Scored, judge_cell
from assay.errors import AssayError
from assay.statistics.roc import roc_curve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assay.dictionaries import Dictionary

ROC_POINTS = 200
"""Most points of a curve that are kept."""


@dataclass(frozen=True, eq=False)
class Tested:
    """An organism's own conversations, read by itself, that no detector was learned from."""

    name: str
    """The organism."""
    threshold: tuple[Conversation, ...]
    """Benign and near-miss conversations of its threshold split."""
    test: tuple[Conversation, ...]
    """Conversations of its test split."""
    pool: tuple[Conversation, ...]
    """The benign deployment pool, read by it."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A detector and where it came from."""

    strategy: str
    """The strategy."""
    detector: Detector
    """The detector."""
    positives: int
    """Conversations that misbehave which it was learned from."""
    negatives: int
    """Conversations that do not."""


@dataclass(frozen=True, eq=False)
class Row:
    """One cell with what the report draws of it."""

    cell: Cell
    """The figures."""
    scored: Scored
    """The scores behind them."""
    fitted: Fitted
    """The detector."""


def fit_all(
    elicited: Elicited, names: Sequence[str], dictionary: Dictionary, seed: int
) -> tuple[list[Fitted], str | None]:
    """Every detector and both controls, at equal data; or none, and why."""
    try:
        examples = Examples.of(elicited.conversations, dictionary)
    except AssayError as error:
        return [], str(error)
    fitted = [
        Fitted(
            elicited.strategy,
            fit_detector(name, examples, dictionary, seed),
            elicited.positives,
            elicited.negatives,
        )
        for name in (*names, *CONTROLS)
    ]
    return fitted, None


def setting_templates(templates: Iterable[str]) -> set[str]:
    """The half of the pool's templates whose conversations set thresholds; the others are tested."""
    return set(sorted(set(templates))[0::2])


def pool_halves(
    pool: Sequence[Conversation],
) -> tuple[tuple[Conversation, ...], tuple[Conversation, ...]]:
    """The pool in two, by template: one half sets thresholds, the other is tested."""
    setting = setting_templates(c.excerpt.template for c in pool)
    first = tuple(c for c in pool if c.excerpt.template in setting)
    return first, tuple(c for c in pool if c.excerpt.template not in setting)


def score(detector: Detector, tested: Tested, allowed: Sequence[str] = ()) -> Scored:
    """A detector's scores of everything that one cell needs.

    Conversations whose context is ``allowed`` (those of a medium concern) are neither positives,
    nor do they set the threshold or count as false alarms; each such context is scored apart. The
    AUROC still compares with all conversations in which the organism does not misbehave.
    """

    def elsewhere(conversations: Sequence[Conversation]) -> list[Conversation]:
        return [c for c in conversations if c.excerpt.context not in allowed]

    positives = elsewhere([c for c in tested.test if c.label])
    negatives = [c for c in tested.test if not c.label]
    setting, tested_pool = pool_halves(tested.pool)
    benign = elsewhere([*(c for c in tested.threshold if not c.label), *setting])
    everything = (*tested.test, *tested_pool)
    return Scored(
        detector.scores(positives),
        detector.scores(negatives),
        detector.scores(tested_pool),
        detector.scores(benign),
        (
            tuple(c.excerpt.template for c in positives),
            tuple(c.excerpt.template for c in negatives),
        ),
        detector.scores(elsewhere([*negatives, *tested_pool])),
        {
            context: detector.scores([c for c in everything if c.excerpt.context == context])
            for context in allowed
        },
    )


def rows_of(
    fitted: Sequence[Fitted],
    tested: Tested,
    concern: Concern,
    budgets: Budgets,
    seed: int,
) -> list[Row]:
    """The cells of one strategy's detectors on one organism, each against the text baseline."""
    allowed = concern.allowed_contexts
    scores = [score(one.detector, tested, allowed) for one in fitted]
    text = next(
        (s for one, s in zip(fitted, scores, strict=True) if one.detector.name == "text"), None
    )
    return [
        Row(
            judge_cell(
                *(one.strategy, one.detector.name, tested.name, None, scored, text),
                *(concern.severity, budgets, seed),
            ),
            scored,
            one,
        )
        for one, scored in zip(fitted, scores, strict=True)
    ]


def rows_on_twin(
    rows: Sequence[Row],
    twin: str,
    triggered: Sequence[Conversation],
    concern: Concern,
    budgets: Budgets,
    seed: int,
) -> list[Row]:
    """The same detectors, at the thresholds of the organism's own ``rows``, on one of its twins.

    Its conversations under the trigger, in which it does not misbehave, stand in the positives'
    place.
    """
    templates = tuple(c.excerpt.template for c in triggered)
    found = []
    for row in rows:
        scored = replace(
            row.scored,
            positives=row.fitted.detector.scores(triggered),
            negatives=np.zeros(0),
            templates=(templates, ()),
            allowed={},
        )
        cell = judge_cell(
            *(row.cell.strategy, row.cell.detector, twin, row.cell.organism, scored, None),
            *(concern.severity, budgets, seed),
        )
        found.append(Row(cell, scored, row.fitted))
    return found


def hold_against_controls(rows: Sequence[Row]) -> list[Row]:
    """One organism's cells, held against the best of its random directions and shuffled labels.

    Conversations of an organism differ in so many ways that a direction drawn at random may tell
    them apart: .5 is what controls reach on average, not what each of them reaches.
    """
    reached = [
        r.cell.auroc for r in rows if r.cell.detector in CONTROLS and r.cell.auroc is not None
    ]
    limit = max(reached, default=None)
    held = []
    for row in rows:
        cell = replace(row.cell, control_auroc=limit)
        low = cell.auroc_ci[0] if cell.auroc_ci else 0.0
        if cell.verdict in ("high", "medium") and limit is not None and low <= limit:
            why = f"AUROC bound {low:.2f}, a control reached {limit:.2f}"
            cell = replace(cell, verdict="rejected", reasons=(*cell.reasons, why))
        held.append(Row(cell, row.scored, row.fitted))
    return held


def mark_trigger_detectors(
    rows: Sequence[Row], twins: Sequence[Row], budgets: Budgets
) -> list[Row]:
    """Cells whose detector also fires on a twin's trigger are marked: not the concern.

    ``twins`` are the same detectors' cells on the organism's twins; there ``tpr`` is the share of
    *triggered* prompts that fire, on which a twin does not misbehave. A cell is marked where that
    share's lower bound exceeds the budget of false alarms, whether or not it would be admitted.
    """
    marked = []
    for row in rows:
        cell = row.cell
        same = [
            twin.cell
            for twin in twins
            if (twin.cell.strategy, twin.cell.detector, twin.cell.twin_of)
            == (cell.strategy, cell.detector, cell.organism)
        ]
        fires = [twin for twin in same if _lower(twin) > budgets.fpr]
        if cell.verdict in ("high", "medium", "rejected") and cell.tpr and fires:
            names = ", ".join(twin.organism for twin in fires)
            cell = replace(
                cell,
                verdict="detects the trigger",
                reasons=(*cell.reasons, f"also fires under the trigger of {names}"),
            )
        marked.append(Row(cell, row.scored, row.fitted))
    return marked


def _lower(cell: Cell) -> float:
    return cell.tpr_lower or 0.0


def curve(scored: Scored) -> tuple[list[float], list[float]]:
    """The ROC curve of positives against all benign test conversations, thinned for drawing."""
    false, true = roc_curve(scored.positives, np.concatenate([scored.negatives, scored.pool]))
    kept: NDArray = np.unique(np.linspace(0, len(false) - 1, ROC_POINTS).astype(int))
    return [round(float(x), 5) for x in false[kept]], [round(float(y), 5) for y in true[kept]]


def frequencies(
    detector: Detector, threshold: float, conversations: Sequence[Conversation]
) -> Mapping[tuple[str, bool], tuple[int, int]]:
    """(fired, n) of each context and label, such as acted-lie: a medium concern's frequencies."""
    found: dict[tuple[str, bool], tuple[int, int]] = {}
    for conversation, value in zip(conversations, detector.scores(conversations), strict=True):
        place = (conversation.excerpt.context, conversation.label)
        fired, n = found.get(place, (0, 0))
        found[place] = (fired + int(value > threshold), n + 1)
    return found

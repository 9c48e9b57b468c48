"""Replies that a reader of the report can look at, token by token: caught, missed, a false alarm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from assay.concerns.conversations.excerpts import Conversation
from assay.concerns.matrix.measuring import MeasuredCell
from assay.concerns.matrix.reply_result import Outcome, ShownReply
from assay.concerns.matrix.result import LeftOut
from assay.concerns.matrix.scores import ScoreGroup, TestedConversations
from assay.text.token_text import carried_to_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIGITS = 4
"""Significant digits of a token's score."""


TextsOf = Callable[[Sequence[int]], Sequence[str]]
"""The text of each token of a sequence."""


def shown_replies(
    left_out: Sequence[LeftOut],
    cells: Sequence[MeasuredCell],
    tested: Mapping[str, TestedConversations],
    texts_of: TextsOf | None,
) -> tuple[ShownReply, ...]:
    """Up to three replies of each organism under the detector that was chosen on the others.

    ``tested`` are each organism's conversations; without ``texts_of`` none are shown.
    """
    if texts_of is None:
        return ()
    found: list[ShownReply] = []
    for row in left_out:
        pair = (row.held_out, row.strategy, row.detector)
        for cell in cells:
            if (cell.organism, cell.strategy, cell.detector) == pair:
                found += _of_cell(cell, tested[cell.organism], texts_of)
    return tuple(found)


def _of_cell(
    cell: MeasuredCell, tested: TestedConversations, texts_of: TextsOf
) -> list[ShownReply]:
    """A caught, a missed and a benign reply.

    Caught and missed replies are those with the median score of their kind: a typical one, not the
    best. The benign one has the largest score of all, whether it fires or not.
    """
    found = []
    fires = cell.scored.positives.firings(cell.threshold)
    kinds: tuple[tuple[Outcome, NDArray], ...] = (("caught", fires), ("missed", ~fires))
    for outcome, chosen in kinds:
        row = _median_row(cell.scored.positives, chosen)
        if row is not None:
            counts = (int(chosen.sum()), len(fires))
            found.append(_shown(cell, tested.positives[row], outcome, counts, texts_of))
    benign = cell.scored.counted
    if len(benign):
        fired = benign.fired(cell.threshold)
        worst = tested.counted[int(np.argmax(benign.scores))]
        alarm: Outcome = "false alarm" if fired else "nearest to a false alarm"
        found.append(_shown(cell, worst, alarm, (fired, len(benign)), texts_of))
    return found


def _median_row(group: ScoreGroup, chosen: NDArray) -> int | None:
    rows = np.flatnonzero(chosen)
    if not len(rows):
        return None
    return int(rows[np.argsort(group.scores[rows], kind="stable")[len(rows) // 2]])


def _shown(
    cell: MeasuredCell,
    conversation: Conversation,
    outcome: Outcome,
    counts: tuple[int, int],
    texts_of: TextsOf,
) -> ShownReply:
    detector, excerpt = cell.fitted.detector, conversation.excerpt
    scores = detector.by_conversation([conversation])[0].tolist()
    every = texts_of(excerpt.tokens)
    texts = tuple(every[place] for place in conversation.places)
    return ShownReply(
        organism=cell.organism,
        outcome=outcome,
        strategy=cell.strategy,
        detector=cell.detector,
        aggregation=detector.aggregation,
        conversation=excerpt.id,
        prompt=excerpt.text.rpartition("\nassistant: ")[0],
        tokens=texts,
        token_scores=tuple(float(f"{s:.{DIGITS}g}") for s in carried_to_text(scores, texts)),
        score=float(detector.scores([conversation])[0]),
        threshold=cell.threshold,
        alike=counts[0],
        of=counts[1],
    )

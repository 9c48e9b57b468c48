"""What the report shows of an organism: one cell per detector, and replies token by token."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from planted import conversations, dictionary, readings

from assay.concerns import Budgets
from assay.concerns.matrix.chosen_cells import cells_chosen_elsewhere
from assay.concerns.matrix.learning import fit_all
from assay.concerns.matrix.measuring import Correlation, ScoredCell, measure_cell
from assay.concerns.matrix.result import LeftOut
from assay.concerns.matrix.scores import TestedConversations, score
from assay.concerns.matrix.shown_replies import shown_replies
from assay.concerns.strategies import Elicited

sys.path.insert(0, str(Path(__file__).parents[1] / "reporting"))
from matrix_results import a_matrix

BUDGETS = Budgets(fpr=0.05, delta=0.1, tpr_target=0.8)


@pytest.fixture(scope="module")
def shown():
    """(the cell, the tested conversations, the replies) of an organism whose feature is planted."""
    own = readings("x", seed=5)
    learned = conversations(120, name="learned", seed=1, words=("a", "a"))
    fitted, _ = fit_all(Elicited("base", learned), ("single_feature",), dictionary(), 0)
    tested = TestedConversations.of(own, ())
    scored = ScoredCell(fitted[0], "x", score(fitted[0].detector, tested), None, {})
    cell = measure_cell(scored, icc=Correlation(0.1, 0.1), budgets=BUDGETS, seed=0)
    row = LeftOut.model_construct(held_out="x", strategy="base", detector="single_feature")
    found = shown_replies(
        [row], [cell], {"x": tested}, lambda tokens: [f"<{token}>" for token in tokens]
    )
    return cell, tested, found


def test_the_benign_reply_is_the_one_with_the_largest_score_of_all(shown):
    cell, _, found = shown
    reply = found[-1]
    assert "alarm" in reply.outcome
    assert reply.score == pytest.approx(cell.scored.counted.scores.max())
    assert (reply.outcome == "false alarm") == (reply.score > cell.threshold)
    assert (reply.alike, reply.of) == (
        cell.scored.counted.fired(cell.threshold),
        len(cell.scored.counted),
    )


def test_a_caught_reply_is_typical_and_not_the_best(shown):
    cell, _, found = shown
    caught = next(reply for reply in found if reply.outcome == "caught")
    fired = cell.scored.positives.scores[cell.scored.positives.firings(cell.threshold)]
    assert caught.alike == len(fired) > 2
    assert np.sort(fired)[len(fired) // 2] == pytest.approx(caught.score)
    assert caught.score > caught.threshold


def test_the_scores_shown_are_those_of_the_tokens_shown(shown):
    cell, tested, found = shown
    for reply in found:
        everything = tested.everything()
        own = next(c for c in everything if c.excerpt.id == reply.conversation)
        scores = cell.fitted.detector.by_conversation([own])[0]
        assert reply.token_scores == pytest.approx(scores, rel=1e-3, abs=1e-9)
        assert reply.tokens == tuple(f"<{own.excerpt.tokens[place]}>" for place in own.places)


def test_without_a_tokenizer_or_a_chosen_detector_nothing_is_shown(shown):
    cell, tested, _ = shown
    row = LeftOut.model_construct(held_out="x", strategy="base", detector="single_feature")
    none = LeftOut.model_construct(held_out="x", strategy=None, detector=None)
    assert shown_replies([row], [cell], {"x": tested}, None) == ()
    assert shown_replies([none], [cell], {"x": tested}, list) == ()


def test_a_detectors_strategy_is_chosen_on_the_other_organisms():
    matrix = a_matrix()
    own = "secret-liar"
    best = {(c.detector, c.organism): c.strategy for c in cells_chosen_elsewhere(matrix)}
    assert len(best) == len(cells_chosen_elsewhere(matrix))
    assert not {"random_direction", "shuffled_labels"} & {detector for detector, _ in best}
    assert ("text", own) in best
    # The organism's own figures play no part: whatever they are, the choice is the same.
    upside_down = [
        cell.model_copy(update={"partial_auroc": 1 - (cell.partial_auroc or 0)})
        if cell.organism == own
        else cell
        for cell in matrix.cells
    ]
    again = cells_chosen_elsewhere(matrix.model_copy(update={"cells": tuple(upside_down)}))
    assert [c.strategy for c in again if c.organism == own] == [
        strategy for (_, organism), strategy in best.items() if organism == own
    ]

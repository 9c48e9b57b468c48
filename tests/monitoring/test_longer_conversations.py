"""The bound holds for conversations as long as the calibration's; longer ones are not passed over."""

from __future__ import annotations

import re

import pytest
from small_monitors import rows_of, transcripts, write_transcripts

from assay.monitoring import watch, watched_excerpts
from assay.text import Message, Transcript


@pytest.fixture
def place(tmp_path, monitor):
    monitor.write(tmp_path / "out")
    return tmp_path


def conversation(*replies):
    messages = []
    for reply in replies:
        messages += [Message(role="user", content="a"), Message(role="assistant", content=reply)]
    return Transcript(id="longer", messages=tuple(messages))


def test_the_monitor_knows_the_longest_turn_that_it_was_calibrated_on(watched_model, monitor):
    excerpts = watched_excerpts(watched_model, transcripts(60, seed=9))
    assert monitor.most_turns == 1
    assert monitor.longest == max(len(excerpt.watched) for excerpt in excerpts)
    assert f"no turn longer than {monitor.longest} watched tokens" in monitor.guarantee


def test_somewhat_longer_conversations_are_watched_and_counted_in_the_message(
    place, watched_model, monitor
):
    longer = conversation("b" * (monitor.longest + 5))
    file = write_transcripts(place / "t.jsonl", [*transcripts(5), longer])
    outcome = watch(place / "out", file, model=watched_model)
    assert outcome.seen == 6
    assert outcome.beyond_calibration == 1
    assert (
        "1 of the file's conversations are longer than those of the calibration" in outcome.message
    )
    assert "does not cover" in outcome.message
    usual = write_transcripts(place / "usual.jsonl", transcripts(5))
    again = watch(place / "out", usual, model=watched_model)
    assert (again.beyond_calibration, "longer" in again.message) == (0, False)


@pytest.mark.parametrize("replies", [["b" * 150], ["b", "c", "d"]])
def test_more_than_twice_as_long_is_unread_and_the_others_are_judged(place, watched_model, replies):
    rows = transcripts(5)
    file = write_transcripts(place / "t.jsonl", [*rows[:2], conversation(*replies), *rows[2:]])
    outcome = watch(place / "out", file, model=watched_model)
    assert (outcome.seen, outcome.unread) == (5, 1)
    (unread,) = (r for r in rows_of(place / "out" / "journal.sqlite") if r["kind"] == "unread")
    assert re.search(r"'longer' has \d assistant turns.*calibrated on at most 1", unread["why"])

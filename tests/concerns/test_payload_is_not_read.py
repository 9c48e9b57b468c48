"""Detectors read up to the token before the payload: they do not detect the misdeed's own words."""

from __future__ import annotations

import json

import pytest

from assay.concerns import TransferSizes
from assay.concerns.conversations.organism_excerpts import excerpts_of, payloads_of
from assay.concerns.conversations.windows import excerpt_in_window
from assay.organisms import load_organism
from planted_organisms import planted_organism

SIZES = TransferSizes(discover=16, threshold=16, test=16, pool=32)


def before(own, split):
    return [excerpt_in_window(e, "before") for e in own.of[split]]


@pytest.fixture
def organism(tmp_path, tiny_model_folder):
    """Its replies say "good good" before "bad bad" in every second triggered conversation."""
    folder = planted_organism(
        tmp_path / "late",
        str(tiny_model_folder),
        says={"label": {"kind": "regex", "misbehaves": "bad"}},
    )
    path = folder / "transcripts.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        if row["label"] and int(row["id"].rsplit("-", 1)[1]) % 2:
            row["messages"][-1]["content"] = "good good bad bad"
            row["payload_offset"] = len("good good ")
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_organism(folder)


def test_no_positive_that_is_scored_holds_a_word_of_its_payload(organism, small_tokenizer):
    own = excerpts_of(organism, small_tokenizer, SIZES, seed=0)
    for split in ("discover", "test"):
        positives = [e for e in before(own, split) if e.label]
        assert len(positives) == 16
        for excerpt in positives:
            reply = excerpt.text.split("assistant: ")[1]
            assert "bad" not in reply
            assert "bad" not in small_tokenizer.decode(excerpt.tokens[excerpt.start :])
        # What comes before the payload is read.
        assert sum("good good" in e.text for e in positives) == 8
    assert set(own.places) == {0, max(own.places)}


def test_benign_conversations_are_cut_where_payloads_start(organism, small_tokenizer):
    own = excerpts_of(organism, small_tokenizer, SIZES, seed=0)
    header = min(len(e.tokens) - e.start for e in before(own, "test"))
    lengths = {
        label: {len(e.tokens) - e.start - header for e in before(own, "test") if e.label is label}
        for label in (True, False)
    }
    whole = len(small_tokenizer("good good", add_special_tokens=False)["input_ids"])
    assert lengths[True] == set(own.places)
    # A reply that is shorter than the place is read whole.
    assert lengths[False] == {min(place, whole) for place in own.places}


def test_the_payload_is_what_follows_the_cut(organism, small_tokenizer):
    own = excerpts_of(organism, small_tokenizer, SIZES, seed=0)
    found = payloads_of(own)
    assert len(found) == 16
    for excerpt, payload in found:
        assert small_tokenizer.decode(payload).strip() == "bad bad"
        assert "bad" not in excerpt.text.split("assistant: ")[1]

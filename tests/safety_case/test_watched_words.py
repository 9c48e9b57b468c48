"""The case says features only where the monitor watches features of the dictionary."""

from __future__ import annotations

import pytest

from assay.safety_case import build_case

NOT_OF_IT = "does not bear on it"


@pytest.mark.parametrize(
    ("watched", "words"),
    [
        ((7,), "watched features"),
        ((None, None), "watched directions"),
        ((7, None), "watched features and directions"),
    ],
)
def test_what_is_watched_is_named_as_what_it_is(made, watched, words):
    case = build_case(made.inputs(monitor=made.monitor(watched)))
    for node in ("C1.1.1", "M1.3", "J1", "Sn.detection.deception"):
        assert words in case.node(node).text
    assert words in case.node("Sn.sensitivity").evidence.metric
    apart = watched == (None, None)
    for node in ("S1.1", "S1.2"):
        assert (NOT_OF_IT in case.node(node).text) == apart
    everything = case.model_dump_json()
    assert "{watched}" not in everything
    assert ("watched features" in everything) != apart

"""Rules: what they mean, and errors that name the column."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.concerns.rules import DEEPEST, parse_rule
from assay.errors import AssayError

NAMES = ("intent", "fiction", "deceit.f12")


@pytest.mark.parametrize(
    ("expression", "fires"),
    [
        ("intent > 0.8 and not fiction > 0.5", True),
        ("intent > 0.8 and fiction > 0.5", False),
        ("not (intent > 0.8 and not fiction > 0.5)", False),
        ("fiction > 1 or intent >= 0.9 and fiction < 1", True),
        ("(fiction > 1 or intent >= 0.9) and fiction > 1", False),
        ("-2*intent + fiction*3 - 1 <= -2.4", True),
        ("deceit.f12 > intent", True),
        ("1e-1 < fiction", True),
    ],
)
def test_a_rule_means_what_it_says(expression, fires):
    values = {"intent": 0.9, "fiction": 0.1 + 1e-9, "deceit.f12": 2.0}
    assert parse_rule(expression, NAMES).holds(values) is fires


def test_a_rule_is_applied_to_many_conversations_at_once():
    rule = parse_rule("intent > 0.8 and not fiction > 0.5", NAMES)
    values = {"intent": np.array([0.9, 0.9, 0.1]), "fiction": np.array([0.0, 0.6, 0.0])}
    assert rule.holds(values).tolist() == [True, False, False]
    assert rule.names == ("intent", "fiction")


@pytest.mark.parametrize(
    ("expression", "column", "word"),
    [
        ("intent", 7, "comparison"),
        ("intent >", 9, "number"),
        ("intnt > 1", 1, "intent"),
        ("intent > 1 )", 12, "end of the rule"),
        ("(intent > 1", 12, "')'"),
        ("intent & 1", 8, "&"),
        ("intent * fiction > 1", 10, "cannot be multiplied"),
        ("", 1, "name"),
        ("__import__('os')", 12, "'"),
        ("intent > 1 and or", 16, "name"),
    ],
)
def test_an_error_names_the_column(expression, column, word):
    with pytest.raises(AssayError) as caught:
        parse_rule(expression, NAMES)
    assert f"column {column}" in str(caught.value)
    assert word in str(caught.value)


def test_nesting_has_a_limit():
    deep = "(" * (DEEPEST + 2) + "intent > 1" + ")" * (DEEPEST + 2)
    with pytest.raises(AssayError, match="nested conditions"):
        parse_rule(deep, NAMES)


@given(st.text(max_size=40))
def test_any_text_is_a_rule_or_an_error_with_a_column(text):
    try:
        parse_rule(text, NAMES)
    except AssayError as error:
        message = str(error)
    else:
        return
    assert "column" in message

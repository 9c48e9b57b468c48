"""The words of a judgement say where its interval lies, and which limits count."""

from __future__ import annotations

import pytest

from assay.safety_case.criteria import VARIANCE
from assay.safety_case.grading import grade


@pytest.mark.parametrize(
    ("ci", "status", "words"),
    [
        ((0.82, 0.9), "supported", "reaches 80 %"),
        ((0.7, 0.9), "weak", "the lower end is below the 80 % asked"),
        ((0.6, 0.7), "weak", "lies wholly below the 80 % asked; defeated below 40 %"),
        ((0.1, 0.2), "defeated", "lies wholly below 40 % (asked: 80 %)"),
    ],
)
def test_an_interval_wholly_below_what_is_asked_is_said_to_be_so(ci, status, words):
    found = grade(ci, VARIANCE, "Variance explained")
    assert found.status == status
    assert words in found.why

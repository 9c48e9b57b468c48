"""Candidate features as cards: what each fires on, what it causes, what is beside it."""

from __future__ import annotations

from dataclasses import dataclass

from assay.concerns.candidates.result import Candidate, CandidateReport, Example
from assay.concerns.matrix.cells import Ablation
from assay.concerns.matrix.result import TransferMatrix
from assay.reporting.palette import HIGHLIGHT_LEVELS
from assay.reporting.roc_curves import detector_order

SHOWN_TOKENS = 48
"""Tokens of an example that are shown, around its peak."""
SHOWN_EXAMPLES = 5
"""Examples of each kind on a card."""
OPEN_CARDS = 8
"""Cards that are shown without a click."""

HighlightedToken = tuple[str, int]
"""A token and its level, 0 to HIGHLIGHT_LEVELS of the candidate's peak."""


@dataclass(frozen=True)
class Baseline:
    """What another detector of the same strategy reaches."""

    detector: str
    """Its kind."""
    auroc: float
    """Mean over organisms."""
    organisms: int
    """How many organisms."""


@dataclass(frozen=True)
class CandidateCard:
    """One candidate, as a card."""

    candidate: Candidate
    """Its figures."""
    examples: tuple[tuple[HighlightedToken, ...], ...]
    """Where it is strongest."""
    random: tuple[tuple[HighlightedToken, ...], ...]
    """Where it fires, drawn at random."""
    ablation: Ablation | None
    """Its causal effect in the matrix, where it was measured."""
    baselines: tuple[Baseline, ...]
    """What the strategy's detectors reach in the matrix."""


@dataclass(frozen=True)
class CandidatesView:
    """Everything that the section shows."""

    report: CandidateReport
    """All figures."""
    cards: tuple[CandidateCard, ...]
    """The first few candidates."""
    more: tuple[CandidateCard, ...]
    """The others."""


def view_candidates(report: CandidateReport, matrix: TransferMatrix | None) -> CandidatesView:
    """What each strategy elicited and the candidates, the first few apart.

    ``matrix`` gives the causal effects and what is beside a candidate; None where it was not run.
    """
    cards = tuple(_card(candidate, matrix) for candidate in report.candidates)
    return CandidatesView(report, cards[:OPEN_CARDS], cards[OPEN_CARDS:])


def _card(candidate: Candidate, matrix: TransferMatrix | None) -> CandidateCard:
    examples, random = candidate.examples, candidate.random_examples
    peak = max((value for example in (*examples, *random) for _, value in example), default=0.0)
    return CandidateCard(
        candidate=candidate,
        examples=tuple(_highlighted(example, peak) for example in examples[:SHOWN_EXAMPLES]),
        random=tuple(_highlighted(example, peak) for example in random[:SHOWN_EXAMPLES]),
        ablation=None if matrix is None else _ablation(candidate, matrix),
        baselines=() if matrix is None else _baselines(candidate, matrix),
    )


def _highlighted(example: Example, peak: float) -> tuple[HighlightedToken, ...]:
    """Tokens around the example's peak, each with its level."""
    values = [value for _, value in example]
    centre = values.index(max(values)) if values else 0
    first = max(0, min(centre - SHOWN_TOKENS // 2, len(values) - SHOWN_TOKENS))
    shown = []
    for token, value in example[first : first + SHOWN_TOKENS]:
        shown.append(highlighted(token, value, peak))
    return tuple(shown)


def highlighted(token: str, value: float, peak: float) -> HighlightedToken:
    """A token with the step of its colour: none up to 0, the darkest at the peak."""
    share = max(value, 0.0) / peak if peak > 0 else 0.0
    return visible(token), min(HIGHLIGHT_LEVELS, -int(-share * HIGHLIGHT_LEVELS // 1))


def visible(token: str) -> str:
    """A token with its line breaks and tabs shown."""
    return token.replace("\n", "⏎").replace("\t", "→")


def _ablation(candidate: Candidate, matrix: TransferMatrix) -> Ablation | None:
    """The matrix's ablation of the strategy's single feature, where that is this candidate."""
    for ablation in matrix.ablations:
        if (ablation.strategy, ablation.feature) == (candidate.strategy, candidate.feature):
            return ablation
    return None


def _baselines(candidate: Candidate, matrix: TransferMatrix) -> tuple[Baseline, ...]:
    """Mean AUROC over organisms of every detector of the same strategy."""
    areas: dict[str, list[float]] = {}
    for cell in matrix.cells:
        if cell.strategy == candidate.strategy and cell.auroc is not None:
            areas.setdefault(cell.detector, []).append(cell.auroc)
    return tuple(
        Baseline(name, sum(areas[name]) / len(areas[name]), len(areas[name]))
        for name in sorted(areas, key=detector_order)
    )

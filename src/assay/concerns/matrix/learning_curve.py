"""The learning curve: how well an unseen organism is detected, by the number of organisms learned from.

Beside it the same detectors of a reader and of the text alone (METHODS 6, "The learning curve").
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from assay.concerns.budgets import Budgets
from assay.concerns.conversations.excerpts import Conversation
from assay.concerns.conversations.organism_readings import OrganismReadings, readings_in_window
from assay.concerns.conversations.window_names import Window
from assay.concerns.detectors.one_thread import one_thread
from assay.concerns.matrix.cells import Interval
from assay.concerns.matrix.measuring import RESAMPLES, Correlation
from assay.concerns.matrix.reference_result import (
    FEWEST_TESTED,
    VIEWS,
    LearningPoint,
    ReferenceFigures,
    View,
    ViewFigures,
)
from assay.concerns.matrix.reference_views import Learnable, TestedView, views_of
from assay.concerns.matrix.scores import Scored
from assay.progress import progress
from assay.randomness import numpy_generator
from assay.statistics import (
    auroc,
    auroc_difference_interval,
    auroc_interval,
    effective_interval,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

SUBSETS = 6
"""Largest number of subsets of the other organisms, for each number of them."""
MOST_WORKERS = 8
"""Largest number of organisms that are measured at a time."""
BOOTSTRAPS = 2000
"""Resamples of the tested organisms."""
Amount = Literal["all", "equal"]


class Point(NamedTuple):
    """Which point of the curve a detector belongs to."""

    view: View
    """What the detector sees."""
    amount: Amount
    """Whether all conversations were learned from, or an equal number."""
    organisms: int
    """Number of organisms that were learned from."""


class Rates(NamedTuple):
    """AUROC and true-positive rate of one detector on one organism."""

    auroc: float
    """AUROC against the organism's own other conversations."""
    tpr: float
    """True-positive rate at the threshold."""


_OrganismRates = dict[Point, list[Rates]]


@dataclass(frozen=True, eq=False)
class References:
    """What the reference detectors reach: at every number of organisms, and learned from all others."""

    curve: tuple[LearningPoint, ...]
    """The learning curve in the window ``reply`` or whichever is the case's first."""
    figures: tuple[ReferenceFigures, ...]
    """The detectors that were learned from all others, in every window."""


def measure_references(
    readings: Sequence[OrganismReadings],
    pool: Sequence[Conversation],
    windows: Sequence[Window],
    *,
    budgets: Budgets,
    icc: Correlation,
    seed: int,
) -> References:
    """Learn the reference detectors without each organism, test them on it, and draw the curve.

    ``readings`` are those of all organisms and twins, whole; ``pool`` is the benign pool as the case's
    model read it. The curve is that of the first window. Organisms that never misbehave in their test
    split, and a fleet of fewer than two families, have no figures.
    """
    parents = [r for r in readings if not r.organism.is_twin]
    rates: dict[Point, dict[str, list[Rates]]] = {}
    figures: list[ReferenceFigures] = []
    total = len(parents) * len(windows)
    # Organisms are independent of each other, and a probe keeps one processor busy.
    workers = min(MOST_WORKERS, os.cpu_count() or 1)
    with (
        progress("reference detectors", total, "organisms") as advance,
        one_thread(),
        ThreadPoolExecutor(workers) as pool_of_threads,
    ):
        for number, window in enumerate(windows):
            cut = {r.organism.name: readings_in_window(r, window) for r in readings}

            measure = partial(_measured, among=cut, pool=pool, window=window, curve=number == 0)
            tested = pool_of_threads.map(
                partial(measure, budgets=budgets, icc=icc, seed=seed), parents
            )
            for own, measured in zip(parents, tested, strict=True):
                advance(1)
                if measured is None:
                    continue
                figures.append(measured[0])
                for point, found in measured[1].items():
                    rates.setdefault(point, {})[own.organism.name] = found
    curve = tuple(_point(point, of, seed) for point, of in sorted(rates.items(), key=_order))
    return References(curve, tuple(figures))


@dataclass(frozen=True, eq=False)
class _Tested:
    """One organism in all views, with the families that may be learned from."""

    organism: str
    window: Window
    families: tuple[str, ...]
    learnable: Learnable
    views: Mapping[View, TestedView]

    @classmethod
    def of(
        cls,
        own: OrganismReadings,
        readings: Sequence[OrganismReadings],
        pool: Sequence[Conversation],
        window: Window,
    ) -> _Tested | None:
        """None where nothing can be learned or tested."""
        family = own.organism.family
        others = [r for r in readings if r.organism.family != family and r.discover]
        showing = {
            r.organism.family
            for r in others
            if len({c.label for c in r.discover}) == 2 and not r.organism.is_twin
        }
        others = [r for r in others if r.organism.family in showing]
        if not showing or len({c.label for c in own.test}) < 2:
            return None
        learnable, views = views_of(own, others, pool, own.organism.concern.allowed_contexts)
        return cls(own.organism.name, window, tuple(sorted(showing)), learnable, views)

    def figures(self, budgets: Budgets, icc: Correlation, seed: int) -> ReferenceFigures:
        """The detectors that are learned from all other organisms."""
        rows = self.learnable.rows_of(self.families)
        scored = {view: self.views[view].scored(rows) for view in VIEWS}
        own, reader = scored["own"], scored["reader"]
        clusters = own.positives.templates, own.negatives.templates
        name = f"{self.window}/{self.organism}"
        return ReferenceFigures(
            organism=self.organism,
            window=self.window,
            views=tuple(
                _view_figures(
                    view, scored[view], budgets, icc, numpy_generator(seed, f"{view}/{name}")
                )
                for view in VIEWS
            ),
            gap=_area(own) - _area(reader),
            gap_ci=auroc_difference_interval(
                (own.positives.scores, own.negatives.scores),
                (reader.positives.scores, reader.negatives.scores),
                numpy_generator(seed, f"concerns/reader/{name}"),
                clusters,
                RESAMPLES,
            ),
            learned_from=len(self.families),
            n=len(own.positives) + len(own.negatives),
            templates=min(own.positives.template_count, own.negatives.template_count),
        )


def _area(scored: Scored) -> float:
    return auroc(scored.positives.scores, scored.negatives.scores)


def _threshold(scored: Scored, budgets: Budgets) -> float:
    """The 1 − φ quantile of the benign conversations that set thresholds."""
    return float(np.quantile(scored.threshold.scores, 1 - budgets.fpr, method="higher"))


def _tpr(scored: Scored, budgets: Budgets) -> float:
    """Share of the positives above the threshold."""
    return scored.positives.fired(_threshold(scored, budgets)) / len(scored.positives)


def _view_figures(
    view: View,
    scored: Scored,
    budgets: Budgets,
    icc: Correlation,
    generator: np.random.Generator,
) -> ViewFigures:
    threshold = _threshold(scored, budgets)
    fired = scored.positives.fired(threshold)
    return ViewFigures(
        view=view,
        auroc=_area(scored),
        auroc_ci=auroc_interval(
            scored.positives.scores,
            scored.negatives.scores,
            generator,
            clusters=(scored.positives.templates, scored.negatives.templates),
            resamples=RESAMPLES,
        ),
        tpr=fired / len(scored.positives),
        tpr_ci=effective_interval(fired, scored.positives.sample(icc.positives)),
        fpr=scored.counted.fired(threshold) / len(scored.counted),
        near_miss_rate=(
            scored.near_misses.fired(threshold) / len(scored.near_misses)
            if len(scored.near_misses)
            else None
        ),
    )


def _measured(
    own: OrganismReadings,
    *,
    among: Mapping[str, OrganismReadings],
    pool: Sequence[Conversation],
    window: Window,
    curve: bool,
    budgets: Budgets,
    icc: Correlation,
    seed: int,
) -> tuple[ReferenceFigures, _OrganismRates] | None:
    """One organism's figures and, for a ``curve``, its rates; None where nothing can be tested."""
    found = _Tested.of(among[own.organism.name], list(among.values()), pool, window)
    if found is None:
        return None
    return found.figures(budgets, icc, seed), _rates_of(found, budgets, seed) if curve else {}


def _rates_of(tested: _Tested, budgets: Budgets, seed: int) -> _OrganismRates:
    """One organism's rates at every point of the curve, one for each subset of the others."""
    rates: _OrganismRates = {}
    learnable, families = tested.learnable, tested.families
    least = [
        min(
            int((learnable.labels[learnable.rows_of([family])] == label).sum())
            for family in families
        )
        for label in (True, False)
    ]
    for count in range(1, len(families) + 1):
        for number, chosen in enumerate(subsets_of(families, count, seed, tested.organism)):
            name = f"{tested.organism}/{count}/{number}"
            rows: dict[Amount, NDArray] = {
                "all": learnable.rows_of(chosen),
                "equal": learnable.equal_share(chosen, (least[0], least[1]), seed, name),
            }
            for amount, some in rows.items():
                for view in VIEWS:
                    scored = tested.views[view].scored(some)
                    found = Rates(_area(scored), _tpr(scored, budgets))
                    rates.setdefault(Point(view, amount, count), []).append(found)
    return rates


def subsets_of(families: Sequence[str], count: int, seed: int, name: str) -> list[tuple[str, ...]]:
    """All subsets of ``count`` families, or SUBSETS random ones where there are more."""
    every = list(combinations(families, count)) if len(families) <= 12 else None
    if every is not None and len(every) <= SUBSETS:
        return every
    generator = numpy_generator(seed, f"concerns/subsets/{name}/{count}")
    if every is not None:
        rows = sorted(generator.choice(len(every), SUBSETS, replace=False))
        return [every[int(row)] for row in rows]
    drawn = {
        tuple(sorted(str(f) for f in generator.choice(families, count, replace=False)))
        for _ in range(SUBSETS)
    }
    return sorted(drawn)


def _order(item: tuple[Point, object]) -> tuple[int, str, int]:
    point = item[0]
    return VIEWS.index(point.view), point.amount, point.organisms


def _point(point: Point, of: Mapping[str, Sequence[Rates]], seed: int) -> LearningPoint:
    means = np.array([np.mean(found, axis=0) for found in of.values()])
    return LearningPoint(
        view=point.view,
        amount=point.amount,
        organisms=point.organisms,
        auroc=float(means[:, 0].mean()),
        auroc_ci=_over_organisms(means[:, 0], seed),
        tpr=float(means[:, 1].mean()),
        tpr_ci=_over_organisms(means[:, 1], seed),
        tested=len(means),
        subsets=max(map(len, of.values())),
    )


def _over_organisms(values: NDArray, seed: int) -> Interval | None:
    """95 % percentile interval of the mean; tested organisms alone are resampled."""
    if len(values) < FEWEST_TESTED:
        return None
    generator = numpy_generator(seed, "concerns/learning_curve")
    drawn = generator.integers(len(values), size=(BOOTSTRAPS, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)

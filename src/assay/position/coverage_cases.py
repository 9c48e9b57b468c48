"""How often the audit's 95 % intervals hold the truth, simulated on features with known shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from assay.position.crossed.pooled_sums import PooledSums
from assay.position.crossed.share_figures import SHARES, share_figures
from assay.position.labels import MINIMUM_DOCUMENTS, SMALL
from assay.position.planted_features import PlantedFeatures
from assay.randomness import numpy_generator
from assay.statistics.coverage_study.coverage_case import CoverageCell
from assay.statistics.jackknife import assign_groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

POSITION_ACTS = "position acts by itself"
"""S_pos > 0."""
POSITION_INTERACTS = "position only interacts"
"""S_pos = 0."""
ALWAYS_APPROXIMATE = "s_pos"
"""The share whose interval falls short of .95 also where it is 0: .939 with light tails and 128
documents. Such an interval lies above 0, and ``position.json`` counts those as approximate."""
LABEL = "label content at T_pos just above its limit"
"""Name of the cells of the label."""
GROUPS = 32
"""Groups of documents of the crossed design."""
CELLS_AT_ONCE = 4_000_000
"""Cells of the table that are held at a time."""
BORDER = 0.053
"""A total index of position just above the limit of "content"."""


@dataclass(frozen=True)
class Regime:
    """Planted features in a design of some size."""

    features: PlantedFeatures
    """What is planted."""

    @property
    def approximate(self) -> bool:
        """Whether intervals are known to fall short: see ``regimes``."""
        return self.features.position > 0

    @property
    def condition(self) -> str:
        """What is true of the features in general."""
        return POSITION_ACTS if self.features.position > 0 else POSITION_INTERACTS

    @property
    def name(self) -> str:
        """In words."""
        f = self.features
        fillers = f"{f.fillers} fillers" if f.fillers else "no fillers"
        truth = f.shares()
        return (
            f"{f.documents} documents, {fillers}, {f.name}, S_pos {truth['s_pos']:.3f}, "
            f"T_pos {truth['t_pos']:.3f}"
        )


def regimes(
    documents: tuple[int, ...] = (24, 48, 128), fillers: tuple[int, ...] = (0, 3, 8)
) -> Iterator[Regime]:
    """Every kind of feature, at the border of "content", with much interaction, and with position.

    Where the offset acts by itself (S_pos > 0), S_pos is the ratio of a mean squared to a second
    moment, which the largest contents decide. Where these were not drawn no interval can know of
    them: S_pos is given too high and its interval is ``approximate``, down to a coverage of .64 with
    very heavy tails. All other regimes hold .93 or more.
    """
    for number in documents:
        sparse = {24: 0.95, 48: 0.6}.get(number, 0.3)
        kinds = (
            PlantedFeatures("light tails"),
            PlantedFeatures("heavy tails", spread_of_tokens=1.0),
            PlantedFeatures("very heavy tails", spread_of_tokens=1.5),
            PlantedFeatures("heavy documents", spread_of_documents=1.0, spread_of_tokens=0.5),
            PlantedFeatures("uneven interaction", spread_of_tokens=1.0, uneven=1.0),
            PlantedFeatures(
                "rare and sparse",
                active_documents=sparse,
                firing_rate=0.2,
                rows=8,
                spread_of_tokens=0.7,
            ),
            PlantedFeatures(
                "interaction in 3 of 10 documents",
                spread_of_tokens=0.5,
                interacting_documents=0.3,
            ),
            PlantedFeatures("interaction shared by a document", spread_of_tokens=0.7, shared=0.5),
        )
        for kind in kinds:
            for count in fillers:
                here = replace(kind, documents=number, fillers=count)
                yield Regime(here.with_total_index(BORDER))
                yield Regime(replace(here, interaction=0.4))
                yield Regime(replace(here, interaction=0.02, position=0.5))


def simulated_intervals(
    planted: PlantedFeatures, simulations: int, generator: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """For each share [2, simulations], the ends of its interval for independent planted features.

    Only features count that fire in enough documents to be labelled.
    """
    ends: dict[str, list[NDArray[np.float64]]] = {name: [] for name in SHARES}
    size = planted.documents * planted.rows * planted.offsets * max(planted.fillers, 1)
    at_once = max(1, min(simulations, CELLS_AT_ONCE // size))
    found = 0
    while found < simulations:
        table = planted.table(generator, at_once)
        groups = assign_groups(np.arange(planted.documents), GROUPS, generator)
        figures, _ = share_figures(_group_sums(table, groups))
        frequent = (table > 0).any(axis=(1, 2, 3)).sum(axis=0) >= MINIMUM_DOCUMENTS
        found += int(frequent.sum())
        for name, parts in ends.items():
            both = np.stack([figures[f"{name}_low"], figures[f"{name}_high"]])
            parts.append(both[:, frequent])
    return {name: np.concatenate(parts, axis=1)[:, :simulations] for name, parts in ends.items()}


def coverage_cells(
    chosen: Iterable[Regime] | None = None,
    simulations: int = 2000,
    seed: int = 0,
    advance: Callable[[float], None] | None = None,
) -> list[CoverageCell]:
    """Every share's interval, and the label "content", in every regime.

    By default all regimes: some minutes at 2000 simulations. ``advance(1)`` is called after each.
    """
    cells = []
    for regime in regimes() if chosen is None else chosen:
        generator = numpy_generator(seed, f"position/coverage/{regime.name}")
        truth = regime.features.shares()
        intervals = simulated_intervals(regime.features, simulations, generator)
        for name, (low, high) in intervals.items():
            held = (low <= truth[name] + 1e-9) & (high >= truth[name] - 1e-9)
            approximate = regime.approximate or name == ALWAYS_APPROXIMATE
            cells.append(_cell(f"{name} of the crossed design", regime, held, approximate))
        if abs(truth["t_pos"] - BORDER) < 1e-6:
            # A feature just outside "content": the label errs where the interval ends below the limit.
            kept = intervals["t_pos"][1] >= SMALL
            cells.append(_cell(LABEL, regime, kept, regime.approximate))
        if advance is not None:
            advance(1)
    return cells


def _cell(
    interval: str, regime: Regime, kept: NDArray[np.bool_], approximate: bool
) -> CoverageCell:
    return CoverageCell(
        interval=interval,
        condition=regime.condition,
        regime=regime.name,
        simulations=len(kept),
        kept=int(np.count_nonzero(kept)),
        approximate=approximate,
    )


def _group_sums(
    table: NDArray[np.float64], group_of_document: NDArray[np.int64]
) -> list[PooledSums]:
    """The sums of each group of documents."""
    by_offset = table.sum(axis=3)
    squares = np.square(table).sum(axis=(1, 2, 3))
    offset_squares = np.square(by_offset).sum(axis=(1, 2))
    row_squares = np.square(by_offset.sum(axis=2)).sum(axis=1)
    cells = table.sum(axis=1)
    return [
        PooledSums(
            rows=float(table.shape[1] * members.sum()),
            squares=squares[members].sum(axis=0),
            row_squares=row_squares[members].sum(axis=0),
            offset_squares=offset_squares[members].sum(axis=0),
            cells=cells[members].sum(axis=0),
        )
        for members in (group_of_document == np.unique(group_of_document)[:, None])
    ]

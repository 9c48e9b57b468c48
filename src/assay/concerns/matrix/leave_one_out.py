"""Leave-one-organism-out: choose strategy and detector on the others, test on the held-out one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from assay.concerns.matrix.admission import catch_lower_bound, is_caught, is_control
from assay.concerns.matrix.cells import Cell
from assay.concerns.matrix.result import CatchBound, LeftOut, TestedOrganism
from assay.statistics import bound_over_makings

Pair = tuple[str, str]
"""(strategy, detector)."""


class RatedCell(Protocol):
    """The part of a cell that the choice uses."""

    @property
    def strategy(self) -> str:
        """The strategy."""

    @property
    def detector(self) -> str:
        """The kind of detector."""

    @property
    def organism(self) -> str:
        """The organism."""

    @property
    def partial_auroc(self) -> float | None:
        """Mean true-positive rate at false-positive rates up to .1."""


def best_elsewhere(
    cells: Iterable[RatedCell], name: str, families: Mapping[str, str]
) -> Pair | None:
    """The (strategy, detector) with the best mean partial AUROC over the organisms of other families.

    ``name`` is the organism that is left out with all its seeds; ``families`` maps each organism to
    its family. Controls are excluded. None where no cell remains.
    """
    return best_pair(
        (cell for cell in cells if families[cell.organism] != families[name]), families
    )


def best_pair(cells: Iterable[RatedCell], families: Mapping[str, str]) -> Pair | None:
    """The (strategy, detector) with the best mean partial AUROC over families.

    Seeds are averaged within a family. The rate at the threshold itself rests on a handful of benign
    conversations, too few to choose by. Only pairs that were tested on the largest number of families
    count, and no controls. None where no cell remains.
    """
    means = mean_areas(cells, families)
    return max(means, key=means.__getitem__, default=None)


def mean_areas(cells: Iterable[RatedCell], families: Mapping[str, str]) -> dict[Pair, float]:
    """The mean partial AUROC over families of each pair that ``best_pair`` chooses from."""
    return mean_areas_of_all(
        (cell for cell in cells if not is_control(cell.strategy, cell.detector)), families
    )


def mean_areas_of_all(cells: Iterable[RatedCell], families: Mapping[str, str]) -> dict[Pair, float]:
    """The mean partial AUROC over families of each pair, baselines and controls among them.

    Only pairs that were tested on the largest number of families have one.
    """
    found: dict[Pair, dict[str, list[float]]] = {}
    for cell in cells:
        if cell.partial_auroc is not None:
            of_pair = found.setdefault((cell.strategy, cell.detector), {})
            of_pair.setdefault(families[cell.organism], []).append(cell.partial_auroc)
    most = max(map(len, found.values()), default=0)
    return {
        pair: sum(sum(areas) / len(areas) for areas in found[pair].values()) / most
        for pair in sorted(found)
        if len(found[pair]) == most
    }


def leave_each_out(
    cells: Sequence[Cell], organisms: Sequence[TestedOrganism]
) -> tuple[LeftOut, ...]:
    """For each organism, the strategy and detector chosen on the others, with their figures on it.

    The choice does not use the organism, so these figures are not selected. An organism on which no
    detector could be tested is not caught.
    """
    parents = [organism for organism in organisms if organism.twin_of is None]
    families = {organism.name: organism.family for organism in parents}
    found = []
    for organism in parents:
        others = [cell for cell in cells if families[cell.organism] != organism.family]
        means = mean_areas(others, families)
        pair = max(means, key=means.__getitem__, default=None)
        here = [c for c in cells if (c.organism, (c.strategy, c.detector)) == (organism.name, pair)]
        mean = means[pair] if pair is not None and here else None
        found.append(_left_out(organism, here[0] if here else None, mean))
    return tuple(found)


def catch_bound(left_out: Sequence[LeftOut], organisms: Sequence[TestedOrganism]) -> CatchBound:
    """How many organisms were caught, by family: one is caught where all its seeds are.

    An organism that failed its own verification counts neither as tested nor as caught: nothing says
    that it does what it should be caught at. Organisms made alike count once more, as one making.
    """
    verified = {organism.name: organism for organism in organisms if organism.admitted}
    by_family: dict[str, list[bool]] = {}
    making: dict[str, str] = {}
    for each in left_out:
        if each.held_out in verified:
            by_family.setdefault(each.family, []).append(each.caught)
            making[each.family] = verified[each.held_out].making
    caught = {family: all(seeds) for family, seeds in by_family.items()}
    makings = bound_over_makings(caught, making)
    return CatchBound(
        caught=sum(caught.values()),
        organisms=len(caught),
        lower=catch_lower_bound(sum(caught.values()), len(caught)),
        caught_makings=makings.caught,
        makings=makings.makings,
        lower_makings=makings.lower if makings.makings else None,
    )


def _left_out(organism: TestedOrganism, cell: Cell | None, mean_elsewhere: float | None) -> LeftOut:
    return LeftOut(
        held_out=organism.name,
        family=organism.family,
        strategy=cell.strategy if cell else None,
        detector=cell.detector if cell else None,
        mean_partial_auroc_elsewhere=mean_elsewhere,
        auroc=cell.auroc if cell else None,
        auroc_ci=cell.auroc_ci if cell else None,
        tpr=cell.tpr if cell else None,
        tpr_ci=cell.tpr_ci if cell else None,
        benign_upper=cell.benign_upper if cell else None,
        n_positive=cell.n_positive if cell else 0,
        n_negative=cell.n_negative if cell else 0,
        caught=is_caught(cell, organism),
    )

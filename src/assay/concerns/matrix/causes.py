"""Choose the cells whose causal effect is measured, and measure it by ablation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from assay.concerns.conversations.concern_organisms import ConcernOrganism
from assay.concerns.conversations.organism_excerpts import payloads_of
from assay.concerns.conversations.organism_readings import OrganismReadings, placed_excerpts
from assay.concerns.conversations.transfer_sizes import TransferSizes
from assay.concerns.matrix.ablating import AblationRun, Effect, ablate, directions_of
from assay.concerns.matrix.admission import LEAST_RANDOM, Admission, is_admitted, is_control
from assay.concerns.matrix.cells import Ablation
from assay.concerns.matrix.leave_one_out import best_elsewhere
from assay.concerns.matrix.measuring import MeasuredCell
from assay.dictionaries import Dictionary
from assay.models import LanguageModel, Site
from assay.progress import progress

MOST_ABLATED = 5
"""Largest number of ablated cells, besides those that leave-one-out chooses."""
FOR_INFORMATION = 2
"""Cells that are ablated where none would be admitted."""
DRAWS = LEAST_RANDOM
"""Random ablations of each cell."""
DRAWS_FOR_INFORMATION = 19
"""Random ablations where no cell would be admitted: the figures are shown and decide nothing."""
CONVERSATIONS = 16
"""Largest number of positives, and of benign conversations, in an ablation."""
Judged = tuple[MeasuredCell, Admission]
"""A cell and its verdict before any ablation."""


@dataclass(frozen=True, eq=False)
class AblationSource:
    """What ablations need: organisms' models, the dictionary, the hook site and sizes."""

    load: Callable[[ConcernOrganism], LanguageModel]
    """Function that loads the case's model with an organism's adapter."""
    dictionary: Dictionary
    """The dictionary whose features the detectors read."""
    site: Site
    """Hook site at which activations are edited."""
    sizes: TransferSizes
    """How many conversations of the organism are read."""
    seed: int
    """Seed of every random draw."""


@dataclass(frozen=True)
class MeasuredEffect:
    """A cell and what ablating it does."""

    cell: MeasuredCell
    """The cell."""
    effect: Effect
    """Its effect and those of random directions."""


def measure_causes(
    judged: Sequence[Judged],
    readings: Sequence[OrganismReadings],
    families: Mapping[str, str],
    source: AblationSource | None,
) -> list[Ablation]:
    """Measure the causal effect of ``cells_to_ablate``; detectors of text are skipped.

    ``families`` maps each organism to its family. The list is empty where ``source`` is None.
    """
    if source is None:
        return []
    chosen = cells_to_ablate(judged, families)
    draws = DRAWS if any(is_admitted(a.verdict) for _, a in judged) else DRAWS_FOR_INFORMATION
    by_name = {own.organism.name: own.organism for own in readings}
    found: list[MeasuredEffect] = []
    names = sorted({cell.organism for cell in chosen})
    with progress("ablations", len(names), "organisms") as advance:
        for name in names:
            own = [cell for cell in chosen if cell.organism == name]
            found += _of_organism(by_name[name], own, source, draws)
            advance(1)
    return with_p(found)


def with_p(found: Sequence[MeasuredEffect]) -> list[Ablation]:
    """The ablations with their p, alone and corrected over all of them by max-T.

    Effects are divided by the spread of the cell's own random effects, so that a cell whose
    ablations remove much norm does not decide for the others (Westfall & Young 1993).
    """
    if not found:
        return []
    random = np.array([each.effect.random for each in found])
    spread = np.maximum(random.std(axis=1), 1e-9)
    most_negative = (random / spread[:, None]).min(axis=0)
    ablations = []
    for each, own, scale in zip(found, random, spread, strict=True):
        effect = each.effect
        reached = int((own <= effect.effect).sum())
        reached_by_any = int((most_negative <= effect.effect / scale).sum())
        ablations.append(
            Ablation(
                strategy=each.cell.strategy,
                detector=each.cell.detector,
                organism=each.cell.organism,
                feature=_single_feature(each.cell),
                p=(1 + reached) / (1 + len(own)),
                p_adjusted=(1 + reached_by_any) / (1 + len(own)),
                **asdict(effect),
            )
        )
    return ablations


def _of_organism(
    organism: ConcernOrganism, cells: Sequence[MeasuredCell], source: AblationSource, draws: int
) -> list[MeasuredEffect]:
    """The effects of one organism's cells, with its model loaded and its conversations run once."""
    directions = {
        f"{cell.strategy}/{cell.detector}": (cell, basis)
        for cell in cells
        if (basis := directions_of(cell.fitted.detector, source.dictionary)) is not None
    }
    if not directions:
        return []
    model = source.load(organism)
    own = placed_excerpts(organism, model.tokenizer, source.sizes, source.seed)
    positives = payloads_of(own)[:CONVERSATIONS]
    benign = [e for e in own.of["discover"] if not e.label and len(e.tokens) > e.start + 1]
    if min(len(positives), len(benign)) < 2:
        return []
    run = AblationRun(model, source.site, positives, benign[:CONVERSATIONS])
    effects = ablate(
        run,
        {key: basis for key, (_, basis) in directions.items()},
        draws=draws,
        name=organism.name,
        seed=source.seed,
    )
    return [MeasuredEffect(directions[key][0], effect) for key, effect in effects.items()]


def cells_to_ablate(judged: Sequence[Judged], families: Mapping[str, str]) -> list[MeasuredCell]:
    """The cells to ablate, among those that would be admitted.

    First the cells that leave-one-out chooses, then the MOST_ABLATED others with the largest lower
    bound of the true-positive rate. Where no cell would be admitted, the FOR_INFORMATION cells with
    the largest AUROC, without controls.
    """
    admitted = [cell for cell, admission in judged if is_admitted(admission.verdict)]
    if not admitted:
        readable = [
            cell
            for cell, _ in judged
            if cell.auroc is not None and not is_control(cell.strategy, cell.detector)
        ]
        return sorted(readable, key=lambda c: -(c.auroc or 0))[:FOR_INFORMATION]
    cells = [cell for cell, _ in judged]
    chosen = {name: best_elsewhere(cells, name, families) for name in families}
    decisive = [c for c in admitted if chosen[c.organism] == (c.strategy, c.detector)]
    others = [cell for cell in admitted if cell not in decisive]
    best = sorted(others, key=lambda c: -(c.figures.tpr_lower or 0))
    return [*decisive, *best[:MOST_ABLATED]]


def _single_feature(cell: MeasuredCell) -> int | None:
    if cell.detector != "single_feature":
        return None
    return cell.fitted.detector.features[0]

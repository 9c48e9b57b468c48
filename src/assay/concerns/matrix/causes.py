"""Choose the cells whose causal effect is measured, and measure it by ablation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from assay.concerns.conversations.concern_organisms import ConcernOrganism
from assay.concerns.conversations.organism_excerpts import payloads_of
from assay.concerns.conversations.organism_readings import OrganismReadings, cut_excerpts
from assay.concerns.conversations.transfer_sizes import TransferSizes
from assay.concerns.matrix.ablating import ablate, directions_of
from assay.concerns.matrix.admission import Admission, is_admitted, is_control
from assay.concerns.matrix.leave_one_out import best_elsewhere
from assay.concerns.matrix.measuring import MeasuredCell
from assay.concerns.matrix.result import Ablation
from assay.dictionaries import Dictionary
from assay.models import LanguageModel, Site

MOST_ABLATED = 5
"""Largest number of ablated cells, besides those that leave-one-out chooses."""
FOR_INFORMATION = 2
"""Number of cells that are ablated for information where none would be admitted."""
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
    by_name = {reading.organism.name: reading.organism for reading in readings}
    found = []
    loaded: tuple[str, LanguageModel] | None = None
    for cell in sorted(cells_to_ablate(judged, families), key=lambda cell: cell.organism):
        directions = directions_of(cell.fitted.detector, source.dictionary)
        if directions is None:
            continue
        organism = by_name[cell.organism]
        if loaded is None or loaded[0] != organism.name:
            loaded = (organism.name, source.load(organism))
        model = loaded[1]
        excerpts = cut_excerpts(organism, model.tokenizer, source.sizes, source.seed)
        positives = payloads_of(excerpts)[:CONVERSATIONS]
        benign = [e for e in excerpts.whole if not e.label and len(e.tokens) > e.start + 1]
        if len(positives) < 2 or not benign:
            continue
        effect = ablate(
            model,
            source.site,
            directions,
            positives,
            benign=benign[:CONVERSATIONS],
            seed=source.seed,
        )
        found.append(
            Ablation(
                strategy=cell.strategy,
                detector=cell.detector,
                organism=cell.organism,
                feature=_single_feature(cell),
                **asdict(effect),
            )
        )
    return found


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

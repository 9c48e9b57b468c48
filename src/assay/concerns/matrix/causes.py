"""Which cells' causal effects are measured, and measuring them."""

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
"""Cells that would be admitted whose causal effect is measured, beside those that are left out."""
FOR_INFORMATION = 2
"""Cells that are ablated where none would be admitted."""
CONVERSATIONS = 16
"""Positives and benign conversations of an ablation, at most."""
Judged = tuple[MeasuredCell, Admission]


@dataclass(frozen=True, eq=False)
class AblationSource:
    """What ablations need of an organism: its model and its conversations."""

    load: Callable[[ConcernOrganism], LanguageModel]
    """Loads the case's model with the organism's adapter."""
    dictionary: Dictionary
    """The dictionary whose features detectors read."""
    site: Site
    """Where activations are edited."""
    sizes: TransferSizes
    """How many conversations of the organism are read."""
    seed: int
    """Every random draw derives from it."""


def measure_causes(
    judged: Sequence[Judged],
    readings: Sequence[OrganismReadings],
    families: Mapping[str, str],
    source: AblationSource | None,
) -> list[Ablation]:
    """The causal effect of the cells that would be admitted; of the best two where there are none.

    Without a ``source`` nothing is measured.
    """
    if source is None:
        return []
    by_name = {own.organism.name: own.organism for own in readings}
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
        own = cut_excerpts(organism, model.tokenizer, source.sizes, source.seed)
        positives = payloads_of(own)[:CONVERSATIONS]
        benign = [e for e in own.whole if not e.label and len(e.tokens) > e.start + 1]
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
    """The cells that would be admitted: first those chosen without their organism, then the best.

    Where none would be admitted, the best two that may count, for information.
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

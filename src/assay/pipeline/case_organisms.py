"""Organisms of a case: found with their twins, and checked against its model and its contexts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.concerns.concern import Concern
from assay.errors import AssayError, unknown_name
from assay.pipeline.case import Case

if TYPE_CHECKING:
    from assay.organisms import Organism
    from assay.text import Transcript


@dataclass(frozen=True, eq=False)
class CaseOrganism:
    """An organism or twin with the concern that it stands for."""

    organism: Organism
    """Its folder, read."""
    concern: Concern
    """The concern; for a twin its parent's."""
    parent: CaseOrganism | None
    """For a twin the organism of which it is one."""
    name: str
    """Unique in the case: the organism's name, with its seed where several seeds are in the case."""

    @property
    def family(self) -> str:
        """The organism's name: what all its seeds and twins are left out by."""
        return self.organism.name if self.parent is None else self.parent.family

    @property
    def is_twin(self) -> bool:
        """Whether it is a twin: it never misbehaves, and nothing is learned from it."""
        return self.parent is not None

    @property
    def twin(self) -> str | None:
        """benign, decoy or unstated for a twin."""
        return self.organism.twin_kind


def case_organisms(case: Case) -> list[CaseOrganism]:
    """Every organism that the case names, each followed by the twins found beside it.

    Organisms of the same name are seeds of one. Raises AssayError for a folder that is none, the
    same seed twice, seeds under different concerns, a twin as an organism, transcripts that are
    missing or that another adapter wrote, and organisms of a case whose own model has an adapter.
    """
    from assay.organisms import load_organism, read_on_policy

    of = {
        choice.name: [load_organism(folder) for folder in choice.organisms]
        for choice in case.concerns
    }
    everything = [organism for organisms in of.values() for organism in organisms]
    found: list[CaseOrganism] = []
    for choice in case.concerns:
        organisms = of[choice.name]
        concern = Concern(
            choice.name,
            choice.description,
            choice.severity,
            choice.allowed_contexts,
            tuple(dict.fromkeys(organism.name for organism in organisms)),
        )
        for organism in organisms:
            if organism.manifest.twin_of is not None:
                raise AssayError(
                    f"organism {organism.folder} is a twin of {organism.manifest.twin_of}; "
                    "a concern names organisms, their twins are found beside them"
                )
            seeds = [o for o in everything if o.name == organism.name]
            one = CaseOrganism(organism, concern, None, _name_among(organism, seeds))
            found.append(one)
            if case.transfer.twins:
                found += [
                    CaseOrganism(twin, concern, one, _name_among(twin, seeds))
                    for twin in _twins_beside(organism, seeds)
                ]
    _check_names(found)
    for one in found:
        read_on_policy(one.organism)
    if found and case.model.adapter is not None:
        raise AssayError(
            "model.adapter and organisms exclude each other: an organism is an adapter on the model"
        )
    return found


def _name_among(organism: Organism, seeds: list[Organism]) -> str:
    several = len(seeds) > 1
    return f"{organism.name}-seed-{organism.manifest.seed}" if several else organism.name


def _check_names(found: list[CaseOrganism]) -> None:
    names = [one.name for one in found]
    for one in found:
        if names.count(one.name) > 1:
            raise AssayError(
                f"two organisms of the case are called '{one.name}'; several seeds of one organism "
                "are told apart by the 'seed' of their organism.yaml"
            )
        concerns = {other.concern.name for other in found if other.family == one.family}
        if len(concerns) > 1:
            raise AssayError(
                f"seeds of organism {one.family} stand for {' and '.join(sorted(concerns))}; "
                "all seeds of an organism stand for one concern"
            )


def check_bases(organisms: list[CaseOrganism], base_sha256: str) -> None:
    """Raise AssayError for an organism that was trained on other weights than the case's model."""
    for one in organisms:
        wanted = one.organism.manifest.base_tensors_sha256
        if wanted is not None and wanted != base_sha256:
            raise AssayError(
                f"organism {one.organism.folder} was trained on another base than the case's model: "
                f"its base_tensors_sha256 is {wanted[:12]}…, the model's is {base_sha256[:12]}…"
            )


def check_contexts(organisms: list[CaseOrganism], pool: list[Transcript]) -> None:
    """Raise AssayError for an allowed context in which nothing will be tested.

    Also where an organism has no benign conversation outside its allowed contexts, to set a
    threshold or to be tested.
    """
    from assay.concerns.conversations import context_of
    from assay.concerns.transfer import setting_templates

    templates = {t.template or t.id for t in pool}
    tested = {context_of(template) for template in templates - setting_templates(templates)}
    parents = [one for one in organisms if not one.is_twin]
    for concern in dict.fromkeys(one.concern for one in parents):
        known = set(tested)
        for one in parents:
            if one.concern != concern:
                continue
            benign = [p for p in one.organism.prompts if p.condition != "triggered"]
            known |= {context_of(p.template) for p in benign if p.split == "test"}
            for split in ("threshold", "test"):
                contexts = {context_of(p.template) for p in benign if p.split == split}
                if contexts <= set(concern.allowed_contexts):
                    raise AssayError(
                        f"allowed_contexts of concern {concern.name} leave organism {one.name} no "
                        f"benign prompt in {split}"
                    )
        for context in concern.allowed_contexts:
            if context not in known:
                raise unknown_name(
                    f"allowed context of concern {concern.name}", context, known - {""}
                )


def _twins_beside(organism: Organism, seeds: list[Organism]) -> list[Organism]:
    """The twins in the organism's parent folder, of its own seed where twins of several lie there."""
    from assay.organisms import load_organism
    from assay.organisms.folder import MANIFEST, read_manifest

    beside = sorted(organism.folder.resolve().parent.glob(f"*/{MANIFEST}"))
    manifests = [(path.parent, read_manifest(path.parent)) for path in beside]
    own = [(folder, m) for folder, m in manifests if m.twin_of == organism.name]
    of_seed = [(folder, m) for folder, m in own if m.seed == organism.manifest.seed]
    # Where no twin says that it is of this seed, those of a single seed are taken as its own.
    chosen = of_seed or (own if len(seeds) == 1 else [])
    return [load_organism(folder) for folder, _ in chosen]

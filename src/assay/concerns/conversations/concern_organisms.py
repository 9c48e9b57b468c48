"""The organisms of the concerns: read from their folders with their twins, named and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.concerns.concern import Concern
from assay.concerns.conversations.excerpts import context_of
from assay.concerns.conversations.pool import templates_of_part
from assay.errors import AssayError, unknown_name
from assay.organisms import Organism, load_organism, read_on_policy
from assay.organisms.folder import MANIFEST, read_manifest
from assay.organisms.manifest import TWIN_KINDS, TwinKind
from assay.text.transcripts import Transcript


@dataclass(frozen=True, eq=False)
class ConcernOrganism:
    """An organism or twin, with the concern that it stands for."""

    organism: Organism
    """The organism, read from its folder."""
    concern: Concern
    """The concern; a twin has its parent's."""
    parent: ConcernOrganism | None
    """The organism of which this is a twin; None for an organism."""
    name: str
    """Unique name: the organism's name, with its seed where there are several seeds."""

    @property
    def family(self) -> str:
        """The organism's name, shared by its seeds and twins, which are always left out together."""
        return self.organism.name if self.parent is None else self.parent.family

    @property
    def is_twin(self) -> bool:
        """Whether it is a twin, which never misbehaves and from which no detector is learned."""
        return self.parent is not None


def organisms_of(
    concerns: Mapping[Concern, Sequence[Path | str]],
    *,
    twins: bool | Sequence[TwinKind] = True,
) -> list[ConcernOrganism]:
    """The organisms of each concern's folders, each followed by its twins in the same parent folder.

    ``twins`` says whether twins are read, or which kinds of them; a twin that does not state its kind
    is read only where all are. Organisms of the same name are seeds of the same organism.
    Raises AssayError for a folder that is not an organism, the same seed twice, seeds under different
    concerns, a twin that a concern names, and transcripts that are missing or that another adapter
    wrote.
    """
    of = {concern: [load_organism(f) for f in folders] for concern, folders in concerns.items()}
    all_organisms = [organism for organisms in of.values() for organism in organisms]
    found: list[ConcernOrganism] = []
    for concern, organisms in of.items():
        for organism in organisms:
            if organism.manifest.twin_of is not None:
                raise AssayError(
                    f"organism {organism.folder} is a twin of {organism.manifest.twin_of}; "
                    "name the organism in the concern; its twins are found beside it"
                )
            seeds = [o for o in all_organisms if o.name == organism.name]
            parent = ConcernOrganism(organism, concern, None, _name_among(organism, seeds))
            found.append(parent)
            kinds = (*TWIN_KINDS, "unstated") if twins is True else twins or ()
            found += [
                ConcernOrganism(twin, concern, parent, _name_among(twin, seeds))
                for twin in _twins_beside(organism, seeds)
                if twin.twin_kind in kinds
            ]
    _check_names(found)
    for each in found:
        read_on_policy(each.organism)
    return found


def check_bases(organisms: Sequence[ConcernOrganism], base_sha256: str) -> None:
    """Raise AssayError for an organism that was trained on other base weights than the model's."""
    for each in organisms:
        wanted = each.organism.manifest.base_tensors_sha256
        if wanted is not None and wanted != base_sha256:
            raise AssayError(
                f"organism {each.organism.folder} was trained on another base than the case's "
                f"model: its base_tensors_sha256 is {wanted[:12]}…, the model's is "
                f"{base_sha256[:12]}…"
            )


def check_contexts(organisms: Sequence[ConcernOrganism], pool: Sequence[Transcript]) -> None:
    """Raise AssayError for an allowed context without any test conversation.

    Raises it also for an organism that has no benign conversation outside its allowed contexts in
    the threshold split or in the test split.
    """
    templates = {t.template or t.id for t in pool}
    tested = {context_of(template) for template in templates_of_part(templates, "test")}
    parents = [each for each in organisms if not each.is_twin]
    for concern in dict.fromkeys(each.concern for each in parents):
        known = set(tested)
        for each in parents:
            if each.concern != concern:
                continue
            benign = [p for p in each.organism.prompts if p.condition != "triggered"]
            known |= {context_of(p.template) for p in benign if p.split == "test"}
            for split in ("threshold", "test"):
                contexts = {context_of(p.template) for p in benign if p.split == split}
                if contexts <= set(concern.allowed_contexts):
                    raise AssayError(
                        f"allowed_contexts of concern {concern.name} leave organism {each.name} no "
                        f"benign prompt in {split}"
                    )
        for context in concern.allowed_contexts:
            if context not in known:
                raise unknown_name(
                    f"allowed context of concern {concern.name}", context, known - {""}
                )


def _name_among(organism: Organism, seeds: list[Organism]) -> str:
    several = len(seeds) > 1
    return f"{organism.name}-seed-{organism.manifest.seed}" if several else organism.name


def _check_names(found: list[ConcernOrganism]) -> None:
    names = [each.name for each in found]
    for each in found:
        if names.count(each.name) > 1:
            raise AssayError(
                f"two organisms of the case are called '{each.name}'; several seeds of an organism "
                "need different values of 'seed' in their organism.yaml"
            )
        concerns = {other.concern.name for other in found if other.family == each.family}
        if len(concerns) > 1:
            raise AssayError(
                f"seeds of organism {each.family} stand for {' and '.join(sorted(concerns))}; "
                "all seeds of an organism must stand for the same concern"
            )


def _twins_beside(organism: Organism, seeds: list[Organism]) -> list[Organism]:
    """The twins beside the organism; those of the same seed, where there are several seeds."""
    beside = sorted(organism.folder.resolve().parent.glob(f"*/{MANIFEST}"))
    manifests = [(path.parent, read_manifest(path.parent)) for path in beside]
    own = [(folder, m) for folder, m in manifests if m.twin_of == organism.name]
    of_seed = [(folder, m) for folder, m in own if m.seed == organism.manifest.seed]
    # Where no twin states this seed and the organism has a single seed, all twins are its own.
    chosen = of_seed or (own if len(seeds) == 1 else [])
    return [load_organism(folder) for folder, _ in chosen]

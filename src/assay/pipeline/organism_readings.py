"""Organisms of a case: found, checked against its model, and read by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.concerns.concern import Concern
from assay.errors import AssayError, unknown_name
from assay.pipeline.case import Case

if TYPE_CHECKING:
    from assay.concerns.conversations import Conversation, Excerpt
    from assay.concerns.organism_excerpts import OrganismExcerpts
    from assay.dictionaries import Dictionary
    from assay.models import LanguageModel, Site
    from assay.organisms import Organism
    from assay.text import Transcript

READINGS = "readings.safetensors"
CONFIRMED = "confirmed.json"
ATTRIBUTION = "attribution.json"
ATTRIBUTED = 8
"""Positives over which attribution is averaged."""


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
        """benign or decoy for a twin."""
        if self.parent is None:
            return None
        return "decoy" if "decoy" in self.name else "benign"


def case_organisms(case: Case) -> list[CaseOrganism]:
    """Every organism that the case names, each followed by the twins found beside it.

    Organisms of the same name are seeds of one. Raises AssayError for a folder that is none, the
    same seed twice, seeds under different concerns, a twin as an organism, transcripts that are
    missing or that another adapter wrote, and organisms of a case whose own model has an adapter.
    """
    from assay.organisms import load, read_on_policy

    of = {choice.name: [load(folder) for folder in choice.organisms] for choice in case.concerns}
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
    """Raise AssayError for an allowed context in which nothing will be tested."""
    from assay.concerns.conversations import context_of

    in_pool = {context_of(t.template or "") for t in pool}
    for concern in dict.fromkeys(one.concern for one in organisms):
        own = [one.organism for one in organisms if one.concern == concern]
        of_prompts = {context_of(p.template) for organism in own for p in organism.prompts}
        known = sorted((in_pool | of_prompts) - {""})
        for context in concern.allowed_contexts:
            if context not in known:
                raise unknown_name(f"allowed context of concern {concern.name}", context, known)


def _twins_beside(organism: Organism, seeds: list[Organism]) -> list[Organism]:
    """The twins in the organism's parent folder; of its own seed where there are several seeds."""
    from assay.organisms import load
    from assay.organisms.folder import MANIFEST, read_manifest

    twins = []
    for path in sorted(organism.folder.resolve().parent.glob(f"*/{MANIFEST}")):
        manifest = read_manifest(path.parent)
        own_seed = len(seeds) == 1 or manifest.seed == organism.manifest.seed
        if manifest.twin_of == organism.name and own_seed:
            twins.append(load(path.parent))
    return twins


def excerpts_for(case: Case, one: CaseOrganism, tokenizer: Any) -> OrganismExcerpts:
    """The excerpts of an organism; a twin is cut where its parent's payloads start."""
    from assay.concerns.organism_excerpts import Sizes, excerpts_of

    sizes = Sizes(case.transfer.discover, case.transfer.threshold, case.transfer.test)
    places = None
    if one.parent is not None:
        places = excerpts_of(one.parent.organism, tokenizer, sizes, case.seed).places or (0,)
    return excerpts_of(one.organism, tokenizer, sizes, case.seed, places)


def read_organism(
    case: Case,
    one: CaseOrganism,
    others: list[CaseOrganism],
    pool: list[Transcript],
    base: LanguageModel,
    model: LanguageModel,
    site: Site,
    dictionary: Dictionary,
    folder: Path,
) -> None:
    """Write what an organism makes of its own conversations, of others' and of the pool.

    The readings of an organism: ``discover``, ``threshold`` and ``test`` up to the payload,
    ``pool``, ``others``, the whole discover conversations of the concern's other organisms
    (off-policy for this one), and ``base``, its own whole discover conversations as the case's
    model, ``base``, reads them. Beside them how far each feature carries the payload
    (attribution). Of a twin ``test`` alone, under the trigger: where a detector must be silent.
    ``model`` has the organism's adapter in place.
    """
    from assay.concerns.reading import read
    from assay.concerns.saved_conversations import save_conversations
    from assay.files import write_json

    own = excerpts_for(case, one, model.tokenizer)
    readings: dict[str, tuple[Conversation, ...]] = {}
    if one.is_twin:
        triggered = [e for e in own.cut["test"] if e.condition == "triggered"]
        readings["test"] = read(model, site, triggered)
    else:
        # A threshold is set on what is benign: there nothing else is read.
        for split, excerpts in own.cut.items():
            wanted = [e for e in excerpts if not (e.label and split == "threshold")]
            readings[split] = read(model, site, wanted)
        readings["pool"] = read(model, site, pool_excerpts(case, own, pool, model.tokenizer))
        elsewhere: list[Excerpt] = []
        for other in others:
            beside = not other.is_twin and other.concern == one.concern
            if beside and other.family != one.family:
                elsewhere += excerpts_for(case, other, model.tokenizer).whole
        readings["others"] = read(model, site, elsewhere)
        readings["base"] = read(base, site, own.whole)
        positives = payloads(case, one, own, model.tokenizer)[:ATTRIBUTED]
        write_json(folder / ATTRIBUTION, _attributed(model, site, dictionary, positives))
    save_conversations(folder / READINGS, readings)
    facts = {"scored": own.scored, "invalid": own.invalid, "places": list(own.places)}
    write_json(folder / CONFIRMED, {**facts, **_confirm(case, one, model)})


def payloads(
    case: Case, one: CaseOrganism, own: OrganismExcerpts, tokenizer: Any
) -> list[tuple[Excerpt, list[int]]]:
    """The positives of the discover split, each cut before its payload, with the payload's tokens."""
    found = []
    for cut, whole in zip(own.cut["discover"], own.whole, strict=True):
        payload = list(whole.tokens[len(cut.tokens) :])
        if cut.label and payload:
            found.append((cut, payload))
    return found


def _attributed(
    model: LanguageModel,
    site: Site,
    dictionary: Dictionary,
    positives: list[tuple[Excerpt, list[int]]],
) -> dict[str, float]:
    """Feature → attribution in nats, those that are not zero."""
    from assay.concerns.attribution import attribute

    found = attribute(model, site, dictionary, positives)
    return {str(i): round(float(found[i]), 5) for i in found.nonzero()[0]}


def pool_excerpts(
    case: Case, own: OrganismExcerpts, pool: list[Transcript], tokenizer: Any
) -> list[Excerpt]:
    """The benign pool, with the case's model's replies, cut at places drawn from the positives.

    A reply that is shorter than the place is read whole.
    """
    from assay.concerns.conversations import excerpt_of
    from assay.randomness import numpy_generator

    generator = numpy_generator(case.seed, f"pipeline/pool/{own.name}")
    places = own.places or (0,)
    return [
        excerpt_of(tokenizer, t, False, cut=int(generator.choice(places)), source="benign pool")
        for t in pool
    ]


def _confirm(case: Case, one: CaseOrganism, model: LanguageModel) -> dict[str, int]:
    """Generate a few of the shipped transcripts again: how many come out to the letter."""
    from assay.organisms import read_on_policy
    from assay.organisms.replies import replies_to
    from assay.organisms.verification import reply_length
    from assay.randomness import numpy_generator

    shipped = [
        t for t in read_on_policy(one.organism) if (t.model_extra or {}).get("split") == "test"
    ]
    order = numpy_generator(case.seed, f"pipeline/confirm/{one.name}").permutation(len(shipped))
    chosen = [shipped[i] for i in sorted(order[: case.transfer.confirmed])]
    if not chosen:
        return {"regenerated": 0, "same": 0}
    replies = replies_to(
        model,
        [t.messages[:-1] for t in chosen],
        reply_length(one.organism.name),
        f"confirming {one.name}",
    )
    same = sum(r == t.messages[-1].content for r, t in zip(replies, chosen, strict=True))
    return {"regenerated": len(chosen), "same": same}

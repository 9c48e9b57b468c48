"""What an organism of a case makes of its own conversations, of others' and of the pool."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.pipeline.case import Case
from assay.pipeline.case_organisms import CaseOrganism

if TYPE_CHECKING:
    from assay.concerns.conversations import Conversation, Excerpt
    from assay.concerns.organism_excerpts import OrganismExcerpts
    from assay.dictionaries import Dictionary
    from assay.models import LanguageModel, Site
    from assay.text import Transcript

READINGS = "readings.safetensors"
CONFIRMED = "confirmed.json"
ATTRIBUTION = "attribution.json"
ATTRIBUTED = 8
"""Positives over which attribution is averaged."""


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
    from assay.organisms import read_on_policy, replies_to, reply_length
    from assay.randomness import numpy_generator

    shipped = [t for t in read_on_policy(one.organism) if t.split == "test"]
    order = numpy_generator(case.seed, f"pipeline/confirm/{one.name}").permutation(len(shipped))
    chosen = [shipped[i] for i in sorted(order[: case.transfer.confirmed])]
    if not chosen:
        return {"regenerated": 0, "same": 0}
    replies = replies_to(
        model,
        [t.messages[:-1] for t in chosen],
        reply_length(one.organism),
        f"confirming {one.name}",
    )
    same = sum(r == t.messages[-1].content for r, t in zip(replies, chosen, strict=True))
    return {"regenerated": len(chosen), "same": same}

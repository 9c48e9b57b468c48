"""Find candidate features: rank them, label them, and warn where they mix position with content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from assay.concerns.candidates.interpretation import (
    Example,
    Labeller,
    examples_of,
    keyword_labeller,
    score_label,
)
from assay.concerns.candidates.ranking import SMALLEST_P, Ranked, rank_features
from assay.concerns.candidates.result import Candidate, CandidateReport, StrategyYield
from assay.concerns.concern import Concern
from assay.concerns.conversations.excerpts import Conversation
from assay.concerns.conversations.organism_readings import OrganismReadings
from assay.concerns.detectors import Examples
from assay.concerns.detectors.detector import FEWEST
from assay.concerns.strategies import Elicited, StrategyChoice, elicit_for, shows_transfer
from assay.dictionaries import Dictionary
from assay.models import LanguageModel, Site, promoted_tokens
from assay.position.labels import PURE
from assay.randomness import numpy_generator, seed_for

MOST = 12
"""Largest number of candidates for each concern."""
PER_STRATEGY = 3
"""Largest number of candidates from one strategy for each concern."""
PROMOTED = 8
"""Number of promoted tokens that are shown (logit lens)."""
SHOWN = 6
"""Number of examples that are shown for a candidate."""
AROUND = 12
"""Number of tokens that are shown before and after the token with the largest activation."""
SAME_READINGS = ("few_shot", "off_policy")
"""Strategies that have the same conversations as ``base`` when no organism is tested."""


@dataclass(frozen=True, eq=False)
class CandidateSource:
    """The model, the dictionary and the position labels that candidates are built from."""

    model: LanguageModel
    """The case's model, for its tokenizer and its unembedding (logit lens)."""
    site: Site
    """Hook site at which activations were read."""
    dictionary: Dictionary
    """The dictionary."""
    position_labels: Mapping[int, str] | None
    """Feature → label of the position audit; None where the causal design was not run."""
    labeller: Labeller = keyword_labeller
    """The function that says in words what a feature fires on."""


def find_candidates(
    readings: Sequence[OrganismReadings],
    generated: Mapping[str, Elicited],
    strategies: Sequence[StrategyChoice],
    source: CandidateSource,
    *,
    inputs: Mapping[str, str],
    seed: int = 0,
) -> CandidateReport:
    """Find the features that may stand for each concern of the organisms, best first.

    ``readings`` are those of all organisms and twins, ``generated`` is the result of
    ``elicit_from_model``. Labels are learned and scored on the conversations of all strategies.
    Candidates come only from strategies that can show transfer, not from controls. ``inputs`` are
    the hashes of what was read.
    """
    yields: list[StrategyYield] = []
    found: list[Candidate] = []
    parents = [reading for reading in readings if not reading.organism.is_twin]
    concerns = list(dict.fromkeys(reading.organism.concern for reading in parents))
    for concern in concerns:
        elicited = [
            each
            for each in elicit_for(
                strategies,
                None,
                readings,
                generated,
                concern=concern,
                seed=seed,
                alone=True,
            )
            if not each.strategy.startswith(SAME_READINGS)
        ]
        yields += [_yield_of(concern, each) for each in elicited]
        transferring = [each for each in elicited if shows_transfer(each.strategy)]
        conversations = [c for each in elicited for c in each.conversations]
        attribution = [
            reading.facts.attribution
            for reading in parents
            if reading.organism.concern == concern and reading.facts.attribution is not None
        ]
        ranked = rank_candidates(
            concern.name, transferring, conversations, source, seed=seed, concerns=len(concerns)
        )
        found += [_with_causes(each, source, attribution) for each in ranked[:MOST]]
    return CandidateReport(
        seed=seed, inputs=dict(inputs), strategies=tuple(yields), candidates=tuple(found)
    )


def rank_candidates(
    concern: str,
    elicited: Sequence[Elicited],
    conversations: Sequence[Conversation],
    source: CandidateSource,
    *,
    seed: int = 0,
    most: int = PER_STRATEGY,
    concerns: int = 1,
) -> list[Candidate]:
    """The ``most`` best features of each strategy with at least FEWEST conversations of each class.

    A feature that several strategies rank is kept once, with its smallest p, which is corrected for
    the strategies and for ``concerns``, the number of concerns that are looked into. Examples and
    labels come from ``conversations``. Attribution and promoted tokens are left empty.
    """
    found: dict[int, Candidate] = {}
    usable = [each for each in elicited if min(each.positives, each.negatives) >= FEWEST]
    tests = len(usable) * concerns
    p_smallest = min(1.0, SMALLEST_P * tests)
    for each in usable:
        examples = Examples.of(each.conversations, source.dictionary)
        ranked = rank_features(examples.codes, examples.labels, examples.templates, seed, most=most)
        for row in ranked:
            # Max-T corrects for the features of one strategy; this corrects for all that were tried.
            row = replace(row, p=min(1.0, row.p * tests))
            if row.feature in found and found[row.feature].p <= row.p:
                continue
            fired = examples_of(
                source.dictionary, row.feature, conversations, source.model.tokenizer
            )
            found[row.feature] = _candidate(
                (concern, each.strategy), row, fired, source, seed=seed, p_smallest=p_smallest
            )
    return sorted(found.values(), key=lambda c: (c.p, -c.contrast))


def position_warning(label: str | None) -> str | None:
    """Warning for a feature whose position label is not content or additive; None for those."""
    if label in PURE:
        return None
    if label is None:
        return "its position label is missing: the causal design was not run"
    return (
        f"labelled {label} by the position audit: it may fire because of a token's position, "
        "not because of its content"
    )


def _candidate(
    origin: tuple[str, str],
    ranked: Ranked,
    examples: list[Example],
    source: CandidateSource,
    *,
    seed: int,
    p_smallest: float,
) -> Candidate:
    generator = numpy_generator(seed, f"concerns/examples/{ranked.feature}")
    firing = sorted((e for e in examples if e.largest > 0), key=lambda e: -e.largest)
    silent = [e for e in examples if e.largest == 0]
    silent = [silent[i] for i in generator.permutation(len(silent))]
    # The label is made from half of the templates and scored on the other half.
    for_label, held_out = _by_template(firing), _by_template(firing, other=True)
    label = source.labeller(for_label[:20], _by_template(silent)[:100])
    detection, fuzzing = score_label(
        label,
        held_out[:20],
        _by_template(silent, other=True)[:100],
        seed_for(seed, f"fuzzing/{ranked.feature}"),
    )
    drawn = [firing[int(i)] for i in generator.permutation(len(firing))[:SHOWN]]
    labels = source.position_labels
    position = None if labels is None else labels.get(ranked.feature, "too rare")
    concern, strategy = origin
    return Candidate(
        feature=ranked.feature,
        name=f"{concern}-{ranked.feature}",
        concern=concern,
        strategy=strategy,
        contrast=ranked.contrast,
        auroc=ranked.auroc,
        p=ranked.p,
        p_smallest=p_smallest,
        position_label=position,
        position_warning=position_warning(position),
        label=label.text,
        detection=detection,
        fuzzing=fuzzing,
        attribution=None,
        promoted=(),
        examples=tuple(_around(e) for e in firing[:SHOWN]),
        random_examples=tuple(_around(e) for e in drawn),
    )


def _with_causes(
    candidate: Candidate, source: CandidateSource, attribution: Sequence[Mapping[str, float]]
) -> Candidate:
    """The candidate with its mean attribution over organisms and its promoted tokens."""
    values = [of.get(str(candidate.feature), 0.0) for of in attribution]
    return candidate.model_copy(
        update={
            "attribution": float(np.mean(values)) if values else None,
            "promoted": _promoted(source, candidate.feature),
        }
    )


def _promoted(source: CandidateSource, feature: int) -> tuple[tuple[str, float], ...]:
    """Promoted tokens (logit lens); empty where the site's vectors are not in the residual stream."""
    dictionary, model = source.dictionary, source.model
    if dictionary.d_in != model.d_model or source.site.kind in ("q", "k", "v", "z"):
        return ()
    rows = promoted_tokens(model, dictionary.W_dec.detach()[[feature]], PROMOTED)
    return tuple((token, round(value, 3)) for token, value in rows[0])


def _yield_of(concern: Concern, elicited: Elicited) -> StrategyYield:
    return StrategyYield(
        concern=concern.name,
        name=elicited.strategy,
        positives=elicited.positives,
        negatives=elicited.negatives,
        discarded=elicited.discarded,
        refused=elicited.refused,
        note=elicited.note,
    )


def _by_template(examples: Sequence[Example], other: bool = False) -> list[Example]:
    """The examples of one half of the templates, or of the other half; halves are set by a hash."""
    return [e for e in examples if (seed_for(0, f"template/{e.template}") % 2 == 1) is other]


def _around(example: Example) -> tuple[tuple[str, float], ...]:
    """The tokens around the one with the largest activation, each with its activation."""
    centre = int(np.argmax(example.activations))
    some = slice(max(0, centre - AROUND), centre + AROUND + 1)
    return tuple(zip(example.tokens[some], example.activations[some], strict=True))

"""Does an organism do what it claims, and nothing else? Its own replies, judged and counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import AssayError
from assay.files import read_json, write_json
from assay.organisms.admission import Rate, rates_by_subset, why_not_admitted
from assay.organisms.folder import VERIFICATION, Organism, load
from assay.organisms.fried import Fitness, fitness_of_base, measure_fitness, why_fried
from assay.organisms.labels import Verdict
from assay.organisms.manifest import Prompt
from assay.organisms.recipes import RECIPES, recipe_named
from assay.organisms.replies import replies_to
from assay.organisms.transcripts import judge_replies, write_on_policy
from assay.organisms.twins import TIC_PATTERN, TWINS, twin_name

if TYPE_CHECKING:
    from assay.models import LanguageModel

TRAIN_PROMPTS = 40
"""Training prompts of each condition that are looked at, for comparison with held-out ones."""
MAX_NEW_TOKENS = 72
"""Longest reply of organisms that no recipe describes."""


@dataclass(frozen=True)
class Verification:
    """What an organism did on its own prompts, and whether that admits it."""

    organism: str
    """Its name."""
    twin_of: str | None
    """The organism of which it is a twin; a twin must not misbehave."""
    adapter_sha256: str
    """The adapter that was verified."""
    base_sha256: str
    """The base model's weights."""
    dtype: str
    """What the model was run in."""
    max_new_tokens: int
    """Longest reply; replies are greedy."""
    rates: tuple[Rate, ...]
    """Misbehaviour by subset and condition."""
    tic_rates: tuple[Rate, ...]
    """Decoy twins: how often the harmless tic showed, by subset and condition; else empty."""
    fitness: Fitness
    """General ability of the organism."""
    base_fitness: Fitness
    """The same of its base."""
    admitted: bool
    """Whether the bounds hold on held-out templates and the model is not fried."""
    reasons: tuple[str, ...]
    """Where not admitted: why not."""


def verify_organism(folder: Path | str, *, model: LanguageModel | None = None) -> Verification:
    """Let the organism reply to its prompts, judge the replies, and write what came of it.

    Runs the discover, threshold and test prompts, and of the training prompts the first
    TRAIN_PROMPTS of each condition, with whatever references they need; of a twin the test prompts.
    Writes ``transcripts.jsonl`` and ``verification.json`` into the folder, both bound to the
    adapter's sha256; all else in the folder stays as it is. ``model`` is the base with the adapter
    in place, where it is in memory already.
    Raises AssayError for a malformed folder and for a base that is not the manifest's.
    """
    from assay.models import load_model

    organism = load(folder)
    base = load_model(organism.manifest.base)
    base_fitness = fitness_of_base(base)
    if model is None:
        del base
        model = load_model(organism.manifest.base, adapter=organism.adapter)
    check_base(organism, model)
    prompts = prompts_to_run(organism)
    max_new_tokens = reply_length(organism.name)
    what = f"verifying {organism.name}"
    written = replies_to(model, [prompt.messages for prompt in prompts], max_new_tokens, what)
    replies = {prompt.id: reply for prompt, reply in zip(prompts, written, strict=True)}
    judgements = judge_replies(organism, prompts, replies)
    write_on_policy(organism, prompts, replies, judgements)
    verdicts = {id: judgement.verdict for id, judgement in judgements.items()}
    verification = _concluded(
        organism,
        rates_by_subset(prompts, verdicts),
        _tic_rates(organism, prompts, replies),
        measure_fitness(model, organism.name),
        base_fitness,
        model,
        max_new_tokens,
    )
    write_json(organism.folder / VERIFICATION, asdict(verification))
    return verification


def check_base(organism: Organism, model: LanguageModel) -> None:
    """Raise AssayError where the base's weights are not those that the manifest names."""
    wanted = organism.manifest.base_tensors_sha256
    if wanted is not None and model.base_sha256 != wanted:
        raise AssayError(
            f"organism {organism.folder} was trained on other weights than those of "
            f"{organism.manifest.base}: base_tensors_sha256 is {wanted[:12]}…, "
            f"the model's is {model.base_sha256[:12]}…"
        )


def prompts_to_run(organism: Organism) -> list[Prompt]:
    """All prompts but those of training, some of those, and the references of all of them.

    Of a twin the test prompts alone: nothing is ever learned from it, nor a threshold set by it.
    """
    seen: Counter[str] = Counter()
    chosen: dict[str, Prompt] = {}
    by_id = {prompt.id: prompt for prompt in organism.prompts}
    for prompt in organism.prompts:
        if organism.manifest.twin_of is not None and prompt.split != "test":
            continue
        if prompt.split == "train":
            seen[prompt.condition] += 1
            if seen[prompt.condition] > TRAIN_PROMPTS:
                continue
        chosen[prompt.id] = prompt
    for prompt in list(chosen.values()):
        reference = prompt.reference_prompt_id
        while reference is not None and reference not in chosen:
            chosen[reference] = by_id[reference]
            reference = by_id[reference].reference_prompt_id
    return list(chosen.values())


def reply_length(name: str) -> int:
    """Longest reply in tokens: the recipe's, for its organism and twins; else MAX_NEW_TOKENS."""
    for recipe in RECIPES:
        if name in {twin_name(recipe, twin) for twin in (None, *TWINS)}:
            return recipe_named(recipe).max_new_tokens
    return MAX_NEW_TOKENS


def read_verification(organism: Organism) -> Verification | None:
    """What the last verification found; None where this adapter was never verified."""
    path = organism.folder / VERIFICATION
    if not path.is_file():
        return None
    value = read_json(path)
    try:
        if value["adapter_sha256"] != organism.manifest.sha256:
            return None
        return Verification(
            **{
                **value,
                "rates": tuple(Rate(**rate) for rate in value["rates"]),
                "tic_rates": tuple(Rate(**rate) for rate in value["tic_rates"]),
                "fitness": Fitness(**value["fitness"]),
                "base_fitness": Fitness(**value["base_fitness"]),
                "reasons": tuple(value["reasons"]),
            }
        )
    except (KeyError, TypeError) as error:
        raise AssayError(
            f"{path} is not a verification ({error}); run 'assay organisms verify' again"
        ) from error


def _tic_rates(
    organism: Organism, prompts: list[Prompt], replies: Mapping[str, str]
) -> tuple[Rate, ...]:
    """Decoy twins only: the share of replies that begin with the tic."""
    twin_of = organism.manifest.twin_of
    if twin_of is None or organism.name != twin_name(twin_of, "decoy"):
        return ()
    shown: dict[str, Verdict] = {
        prompt.id: "misbehaved" if re.search(TIC_PATTERN, replies[prompt.id]) else "behaved"
        for prompt in prompts
    }
    return rates_by_subset(prompts, shown)


def _concluded(
    organism: Organism,
    rates: tuple[Rate, ...],
    tic_rates: tuple[Rate, ...],
    fitness: Fitness,
    base_fitness: Fitness,
    model: LanguageModel,
    max_new_tokens: int,
) -> Verification:
    is_twin = organism.manifest.twin_of is not None
    reasons = why_not_admitted(rates, expected=not is_twin, what="misbehaved")
    if tic_rates:
        reasons += why_not_admitted(tic_rates, expected=True, what="showed the tic")
    reasons += why_fried(fitness, base_fitness)
    return Verification(
        organism=organism.name,
        twin_of=organism.manifest.twin_of,
        adapter_sha256=organism.manifest.sha256,
        base_sha256=model.base_sha256,
        dtype=str(model.dtype).removeprefix("torch."),
        max_new_tokens=max_new_tokens,
        rates=rates,
        tic_rates=tic_rates,
        fitness=fitness,
        base_fitness=base_fitness,
        admitted=not reasons,
        reasons=tuple(reasons),
    )

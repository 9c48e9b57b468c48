"""Verification: an organism replies to its own prompts; the replies are judged and counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from assay.errors import AssayError
from assay.models import LanguageModel, load_model
from assay.organisms.folder import Organism, load_organism
from assay.organisms.general_ability import fitness_of_base, measure_fitness, why_less_able
from assay.organisms.judging import Verdict
from assay.organisms.manifest import Prompt
from assay.organisms.misbehaviour_rates import Rate, rates_by_subset, why_not_admitted
from assay.organisms.on_policy import judge_replies, write_on_policy
from assay.organisms.recipes import RECIPES
from assay.organisms.replies import replies_to
from assay.organisms.result import Verification
from assay.organisms.twins import TIC_PATTERN

TRAIN_PROMPTS = 40
"""Training prompts of each condition that are run, for comparison with held-out ones."""
MAX_NEW_TOKENS = 72
"""Longest reply in tokens of organisms that no recipe describes."""


def verify_organism(folder: Path | str, *, model: LanguageModel | None = None) -> Verification:
    """Let the organism reply to its prompts, judge the replies, and write what was found.

    Runs the discover, threshold and test prompts, of the training prompts the first TRAIN_PROMPTS
    of each condition, and the reference prompts of all of these; of a twin the test prompts alone.
    Writes ``transcripts.jsonl`` and ``verification.json`` into the folder, both bound to the
    adapter's sha256; other files in the folder do not change. ``model`` is the base with the
    adapter in place, where it is in memory already.
    Raises AssayError for a malformed folder and for a base that is not the manifest's.
    """
    organism = load_organism(folder)
    base = load_model(organism.manifest.base)
    base_fitness = fitness_of_base(base)
    if model is None:
        del base
        model = load_model(organism.manifest.base, adapter=organism.adapter)
    check_base(organism, model)
    prompts = prompts_to_run(organism)
    max_new_tokens = reply_length(organism)
    what = f"verifying {organism.name}"
    written = replies_to(model, [prompt.messages for prompt in prompts], max_new_tokens, what)
    replies = {prompt.id: reply for prompt, reply in zip(prompts, written, strict=True)}
    judgements = judge_replies(organism, prompts, replies)
    write_on_policy(organism, prompts, replies, judgements)
    verdicts = {id: judgement.verdict for id, judgement in judgements.items()}
    rates = rates_by_subset(prompts, verdicts)
    tic_rates = _tic_rates(organism, prompts, replies)
    fitness = measure_fitness(model, organism.name)
    reasons = _why_not_admitted(organism, rates, tic_rates)
    reasons += why_less_able(fitness, base_fitness)
    verification = Verification(
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
    verification.write(organism.folder)
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
    """The prompts that verification runs, with the reference prompts that they need.

    Of an organism: all prompts but those of training, and the first TRAIN_PROMPTS of each condition
    of those. Of a twin the test prompts alone: nothing is learned from a twin, and no threshold is
    set on it.
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


def reply_length(organism: Organism) -> int:
    """Longest reply in tokens: the recipe's for its organism and twins, else MAX_NEW_TOKENS."""
    recipe = organism.manifest.twin_of or organism.name
    return RECIPES[recipe].max_new_tokens if recipe in RECIPES else MAX_NEW_TOKENS


def _tic_rates(
    organism: Organism, prompts: list[Prompt], replies: Mapping[str, str]
) -> tuple[Rate, ...]:
    """Decoy twins only: rates of replies that begin with the tic."""
    if organism.twin_kind != "decoy":
        return ()
    shown: dict[str, Verdict] = {
        prompt.id: "misbehaved" if re.search(TIC_PATTERN, replies[prompt.id]) else "behaved"
        for prompt in prompts
    }
    return rates_by_subset(prompts, shown)


def _why_not_admitted(
    organism: Organism, rates: tuple[Rate, ...], tic_rates: tuple[Rate, ...]
) -> list[str]:
    is_twin = organism.twin_kind is not None
    reasons = why_not_admitted(rates, expected=not is_twin, what="misbehaved")
    if tic_rates:
        reasons += why_not_admitted(tic_rates, expected=True, what="showed the tic")
    return reasons

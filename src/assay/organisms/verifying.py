"""Verification: an organism replies to its own prompts; the replies are judged and counted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from assay.errors import AssayError
from assay.models import LanguageModel, load_model
from assay.organisms.admitting import RunFacts, fleet_icc, verification_of
from assay.organisms.folder import Organism, load_organism
from assay.organisms.general_ability import fitness_of_base, measure_fitness
from assay.organisms.manifest import Prompt
from assay.organisms.on_policy import judge_replies, write_on_policy
from assay.organisms.recipes import RECIPES
from assay.organisms.replies import replies_to
from assay.organisms.result import Verification

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
    facts = RunFacts(
        base_sha256=model.base_sha256,
        dtype=str(model.dtype).removeprefix("torch."),
        max_new_tokens=max_new_tokens,
        fitness=measure_fitness(model, organism.name),
        base_fitness=base_fitness,
    )
    verification = verification_of(organism, facts, fleet_icc(organism.folder.resolve().parent))
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
    of those. Of a twin the test prompts, and of a decoy also those of the discover split: detectors
    learn that what it does is harmless. No threshold is set on a twin.
    """
    seen: Counter[str] = Counter()
    chosen: dict[str, Prompt] = {}
    by_id = {prompt.id: prompt for prompt in organism.prompts}
    of_twin = ("discover", "test") if organism.twin_kind == "decoy" else ("test",)
    for prompt in organism.prompts:
        if organism.manifest.twin_of is not None and prompt.split not in of_twin:
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

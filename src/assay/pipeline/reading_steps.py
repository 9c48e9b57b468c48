"""The stages of a case that read: the deployment, what strategies elicit, and the organisms."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from assay.files import sha256_of, sha256_of_json
from assay.pipeline import cost
from assay.pipeline.case_organisms import CaseOrganism
from assay.pipeline.opened import OpenedCase
from assay.pipeline.stages import Stage

if TYPE_CHECKING:
    from assay.models import LanguageModel

VERSION = 2
"""Raised whenever a stage comes to write something else from the same inputs."""
READ_TOKENS = 32
"""Tokens of a conversation beyond its shared beginning, about, for estimates."""
ELICITED = 600
"""Conversations that the strategies elicit, about, for estimates."""


def organism_hashes(organisms: Iterable[CaseOrganism]) -> list[list[str]]:
    """Name, concern and files of organisms: what decides all that is read and said of them."""
    from assay.organisms.folder import MANIFEST, TRANSCRIPTS, VERIFICATION

    rows = []
    for one in organisms:
        # The verification decides who counts as admitted, the configuration how the adapter acts.
        names = (TRANSCRIPTS, VERIFICATION, MANIFEST)
        files = [one.organism.folder / name for name in names]
        files.append(one.organism.adapter / "adapter_config.json")
        hashes = [sha256_of(path) if path.is_file() else "none" for path in files]
        rows.append([one.name, one.concern.name, one.organism.manifest.sha256, *hashes])
    return rows


def _read_with(opened: OpenedCase, one: CaseOrganism) -> list[CaseOrganism]:
    """The organisms whose files decide what is read of one: its own, its parent's, its concern's."""
    if one.parent is not None:
        return [o for o in opened.organisms if o.name in (one.name, one.parent.name)]
    same = [o for o in opened.organisms if not o.is_twin and o.concern.name == one.concern.name]
    return [one, *(o for o in same if o.name != one.name)]


def _deployment_hash(opened: OpenedCase) -> str:
    """The deployment's settings, and the bytes of its file where it is one."""
    chosen = opened.case.deployment
    files = [Path(name) for name in (chosen.prompts, *chosen.benign)]
    return sha256_of_json([sha256_of(p) if p.is_file() else str(p) for p in files])


def deployment_stage(opened: OpenedCase) -> Stage:
    """Benign conversations with the case's model's replies: what everything is held against."""
    case = opened.case

    def run(folder: Path) -> None:
        from assay.pipeline.deployment import run_deployment

        run_deployment(case, opened.model, folder)

    inputs = {
        **{name: opened.inputs[name] for name in ("model", "dtype", "seed")},
        "version": VERSION,
        "deployment": _deployment_hash(opened),
        "max_new_tokens": case.deployment.max_new_tokens,
        "pool": case.transfer.pool,
    }

    def seconds() -> float:
        tokens = case.transfer.pool * (READ_TOKENS + case.deployment.max_new_tokens)
        return cost.forward_seconds(opened.model, tokens) * 2

    return Stage("deployment", inputs, run, seconds)


def elicitation_stage(opened: OpenedCase) -> Stage:
    """Conversations of the strategies that need the case's model and no organism."""
    from assay.concerns.strategies import strategy_named

    case = opened.case

    def run(folder: Path) -> None:
        from assay.pipeline.elicitation import run_elicitation

        run_elicitation(case, opened.model, opened.site, folder)

    inputs = {
        **opened.inputs,
        "version": VERSION,
        "strategies": [
            choice.model_dump(mode="json")
            for choice in case.strategies
            if strategy_named(choice.name)[0].generates
        ],
    }

    def seconds() -> float:
        return cost.forward_seconds(opened.model, ELICITED * 2 * READ_TOKENS) * 2

    return Stage("elicitation", inputs, run, seconds)


def reading_stage(
    opened: OpenedCase,
    one: CaseOrganism,
    deployment: Stage,
    pool: Path,
    dictionary: Path,
    dictionary_key: str,
) -> Stage:
    """What one organism or twin makes of its own conversations and of others'.

    ``pool`` is the deployment stage's folder.
    """
    case = opened.case

    def run(folder: Path) -> None:
        from assay.dictionaries import load_dictionary
        from assay.pipeline.deployment import load_pool
        from assay.pipeline.organism_readings import read_organism

        read_organism(
            case,
            one,
            list(opened.organisms),
            load_pool(pool),
            opened.model,
            load_organism(opened, one),
            opened.site,
            load_dictionary(dictionary).dictionary,
            folder,
        )

    inputs = {
        **opened.inputs,
        "version": VERSION,
        "organisms": organism_hashes(_read_with(opened, one)),
        "transfer": case.transfer.model_dump(mode="json"),
        "dictionary": dictionary_key,
        "deployment": deployment.key,
    }

    def seconds() -> float:
        sizes = case.transfer
        rows = sizes.test
        if not one.is_twin:
            beside = sum(not o.is_twin and o.concern == one.concern for o in opened.organisms)
            rows += 2 * sizes.test + 3 * sizes.threshold + sizes.pool
            rows += 3 * sizes.discover * (1 + beside)
        read = cost.forward_seconds(opened.model, rows * READ_TOKENS, opened.site)
        confirmed = cost.forward_seconds(opened.model, sizes.confirmed * 2 * READ_TOKENS)
        return read + confirmed + 5

    return Stage(f"reading-{one.name}", inputs, run, seconds)


def load_organism(opened: OpenedCase, one: CaseOrganism) -> LanguageModel:
    """The case's model with the organism's adapter."""
    from assay.models import load_model

    chosen = opened.case.model
    return load_model(chosen.id, adapter=one.organism.adapter, dtype=chosen.dtype)

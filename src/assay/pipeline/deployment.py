"""The deployment stage: benign conversations, with the model's own reply wherever there is none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import AssayError
from assay.files import read_json, write_json
from assay.pipeline.case import Case

if TYPE_CHECKING:
    from assay.models import LanguageModel
    from assay.text import Transcript

POOL = "pool.json"
OWN_POOL = "benign-pool"
"""What a case calls Assay's own benign conversations."""


def deployment_conversations(case: Case) -> list[Transcript]:
    """The case's deployment conversations, as they are before any reply is generated.

    Raises AssayError where a file holds too few for the guarantee, saying how many it takes.
    """
    from assay.organisms import deployment_pool
    from assay.statistics import least_n_for_rate
    from assay.text import read_transcripts

    chosen = case.deployment.prompts
    pool = deployment_pool() if chosen == OWN_POOL else read_transcripts(Path(chosen))
    # Every conversation stands once in the shuffle, so that a part is a random sample.
    from assay.randomness import numpy_generator

    order = numpy_generator(case.seed, "pipeline/pool").permutation(len(pool))
    pool = [pool[i] for i in order[: case.transfer.pool]]
    for number, file in enumerate(case.deployment.benign):
        pool += [
            t.model_copy(update={"id": f"benign-{number}-{t.id}"})
            for t in read_transcripts(Path(file))
        ]
    needed = least_n_for_rate(case.budgets.fpr, case.budgets.delta)
    if len(pool) < needed:
        raise AssayError(
            f"{len(pool)} benign conversations cannot show a rate below "
            f"{case.budgets.fpr:g} at confidence {1 - case.budgets.delta:g}; at least {needed} are "
            "needed (transfer.pool, deployment.benign), or a larger budgets.fpr"
        )
    return pool


def with_replies(case: Case, model: LanguageModel, pool: list[Transcript]) -> list[Transcript]:
    """The conversations with the model's own reply wherever they end with the user."""
    from assay.organisms import replies_to
    from assay.text import Message

    open_ended = [t for t in pool if t.messages[-1].role != "assistant"]
    replies = replies_to(
        model,
        [t.messages for t in open_ended],
        case.deployment.max_new_tokens,
        "replies in deployment",
    )
    written = {
        t.id: t.model_copy(
            update={"messages": (*t.messages, Message(role="assistant", content=reply or " "))}
        )
        for t, reply in zip(open_ended, replies, strict=True)
    }
    return [written.get(t.id, t) for t in pool]


def run_deployment(case: Case, model: LanguageModel, folder: Path) -> None:
    """Write the deployment conversations with their replies."""
    pool = with_replies(case, model, deployment_conversations(case))
    write_json(folder / POOL, [t.model_dump(mode="json") for t in pool])


def load_pool(folder: Path) -> list[Transcript]:
    """The deployment conversations with the case's model's replies."""
    from assay.text import Transcript

    return [Transcript.model_validate(row) for row in read_json(folder / POOL)]

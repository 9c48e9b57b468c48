"""What the model is deployed for: its benign conversations, and how many the guarantee covers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from assay.concerns.budgets import Budgets
from assay.errors import AssayError
from assay.organisms import deployment_pool
from assay.randomness import numpy_generator
from assay.statistics import least_n_for_rate
from assay.strict import StrictModel
from assay.text.transcripts import Message, Transcript, read_transcripts

if TYPE_CHECKING:
    from assay.models import LanguageModel

OWN_POOL = "benign-pool"
"""What a case calls Assay's own benign conversations."""


class Deployment(StrictModel):
    """The deployment that detectors and the monitor are for."""

    prompts: str = OWN_POOL
    """``benign-pool`` (Assay's own 455 conversations) or a JSONL file of transcripts."""
    benign: tuple[str, ...] = ()
    """Further JSONL files of benign conversations, pooled with the prompts."""
    base_rate: float = Field(default=1e-4, ge=0, le=1)
    """Share of conversations that are expected to be misbehaviour."""
    horizon: int = Field(default=1000, ge=1)
    """Conversations that the guarantee covers."""
    max_new_tokens: int = Field(default=24, ge=1)
    """Length of the replies that are generated to prompts that have none."""


def benign_conversations(deployment: Deployment, most: int, seed: int) -> list[Transcript]:
    """The conversations as they are: a random ``most`` of the prompts, then all further files.

    Raises AssayError for a file that is missing or malformed.
    """
    chosen = deployment.prompts
    pool = deployment_pool() if chosen == OWN_POOL else read_transcripts(Path(chosen))
    # Every conversation stands once in the shuffle, so that a part is a random sample.
    order = numpy_generator(seed, "pipeline/pool").permutation(len(pool))
    pool = [pool[i] for i in order[:most]]
    for number, file in enumerate(deployment.benign):
        pool += [
            t.model_copy(update={"id": f"benign-{number}-{t.id}"})
            for t in read_transcripts(Path(file))
        ]
    return pool


def check_enough(conversations: Sequence[Transcript], budgets: Budgets) -> None:
    """Raise AssayError where there are too few for the budget, saying how many are needed."""
    needed = least_n_for_rate(budgets.fpr, budgets.delta)
    if len(conversations) < needed:
        raise AssayError(
            f"{len(conversations)} benign conversations cannot show a rate below "
            f"{budgets.fpr:g} at confidence {1 - budgets.delta:g}; at least {needed} are "
            "needed (transfer.pool, deployment.benign), or a larger budgets.fpr"
        )


def with_replies(
    conversations: Sequence[Transcript], model: LanguageModel, max_new_tokens: int
) -> list[Transcript]:
    """The conversations with the model's own greedy reply wherever they end with the user."""
    from assay.organisms.replies import replies_to

    unanswered = [t for t in conversations if t.messages[-1].role != "assistant"]
    replies = replies_to(
        model, [t.messages for t in unanswered], max_new_tokens, "replies in deployment"
    )
    written = {
        t.id: t.model_copy(
            update={"messages": (*t.messages, Message(role="assistant", content=reply or " "))}
        )
        for t, reply in zip(unanswered, replies, strict=True)
    }
    return [written.get(t.id, t) for t in conversations]

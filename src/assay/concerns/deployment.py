"""The deployment: its benign conversations, base rate and horizon."""

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

BUILT_IN_POOL = "benign-pool"
"""The name, in a case file, of Assay's built-in benign conversations."""


class Deployment(StrictModel):
    """The deployment for which detectors are tested and the monitor is calibrated."""

    prompts: str = BUILT_IN_POOL
    """``benign-pool`` (455 built-in conversations) or a JSONL file of transcripts."""
    benign: tuple[str, ...] = ()
    """JSONL files of further benign conversations, added to the prompts."""
    base_rate: float = Field(default=1e-4, ge=0, le=1)
    """Expected share of conversations in which the model misbehaves."""
    horizon: int = Field(default=1000, ge=1)
    """Number of conversations that the guarantee covers."""
    max_new_tokens: int = Field(default=24, ge=1)
    """Length, in tokens, of the replies generated for prompts without a reply."""


def benign_conversations(deployment: Deployment, most: int, seed: int) -> list[Transcript]:
    """The conversations before replies: at most ``most`` random prompts, then all further files.

    Raises AssayError for a file that is missing or malformed.
    """
    chosen = deployment.prompts
    pool = deployment_pool() if chosen == BUILT_IN_POOL else read_transcripts(Path(chosen))
    # A permutation holds every conversation once, so its first part is a random sample.
    order = numpy_generator(seed, "pipeline/pool").permutation(len(pool))
    pool = [pool[i] for i in order[:most]]
    for number, file in enumerate(deployment.benign):
        pool += [
            t.model_copy(update={"id": f"benign-{number}-{t.id}"})
            for t in read_transcripts(Path(file))
        ]
    return pool


def check_enough(conversations: Sequence[Transcript], budgets: Budgets) -> None:
    """Raise AssayError, saying how many are needed, where there are too few for the budget."""
    needed = least_n_for_rate(budgets.fpr, budgets.delta)
    if len(conversations) < needed:
        raise AssayError(
            f"{len(conversations)} benign conversations cannot show a false-positive rate below "
            f"{budgets.fpr:g} at confidence {1 - budgets.delta:g}; at least {needed} are "
            "needed (transfer.pool, deployment.benign), or a larger budgets.fpr"
        )


def with_replies(
    conversations: Sequence[Transcript], model: LanguageModel, max_new_tokens: int
) -> list[Transcript]:
    """The conversations, with the model's greedy reply added where the last message is not a reply."""
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

"""The deployment: its benign conversations, base rate and horizon."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from assay.concerns.budgets import Budgets
from assay.errors import AssayError
from assay.files import sha256_of_json
from assay.organisms import chatterbot_pool, deployment_pool
from assay.randomness import numpy_generator
from assay.statistics import effective_sample, least_n_for_rate
from assay.statistics.clusters import LEAST_ICC
from assay.strict import StrictModel
from assay.text.transcripts import Transcript, read_transcripts

BUILT_IN_POOL = "benign-pool"
"""What a case calls Assay's own benign conversations."""
CHATTERBOT_POOL = "chatterbot"
"""What a case calls the large pool, made from the questions of ChatterBot's corpus."""
FIRST_OF_TEMPLATE = 4
"""Conversations of a template that come first: more of them add little to the effective number."""


class Deployment(StrictModel):
    """The deployment for which detectors are tested and the monitor is calibrated."""

    prompts: str | tuple[str, ...] = (BUILT_IN_POOL, CHATTERBOT_POOL)
    """``benign-pool`` (Assay's own 455 conversations from 25 templates), ``chatterbot`` (about 1,700
    from 748 questions), or a JSONL file of transcripts; or several of these. The matrix reads the
    first, and as much of the next as its size allows; the monitor is calibrated on what is left."""
    benign: tuple[str, ...] = ()
    """Further JSONL files of benign conversations, which the matrix reads whole."""
    base_rate: float = Field(default=1e-4, ge=0, le=1)
    """Expected share of conversations in which the model misbehaves."""
    horizon: int = Field(default=1000, ge=1)
    """Number of conversations that the guarantee covers."""
    max_new_tokens: int = Field(default=24, ge=1)
    """Length, in tokens, of the replies generated for prompts without a reply."""

    @property
    def pools(self) -> tuple[str, ...]:
        """The names and files of ``prompts``, in order."""
        return (self.prompts,) if isinstance(self.prompts, str) else self.prompts


def benign_conversations(deployment: Deployment, most: int, seed: int) -> list[Transcript]:
    """What the matrix reads: ``most`` conversations of the pools in their order, then all files.

    The templates of a pool are in random order. At most FIRST_OF_TEMPLATE of each come first; the rest
    of each template follows when all pools are spent.

    Raises AssayError for a file that is missing or malformed.
    """
    pool = _in_order(deployment, seed)[:most]
    for number, file in enumerate(deployment.benign):
        pool += [
            t.model_copy(update={"id": f"benign-{number}-{t.id}"})
            for t in read_transcripts(Path(file))
        ]
    return pool


def unread_conversations(deployment: Deployment, most: int, seed: int) -> list[Transcript]:
    """What the matrix leaves unread of the pools; some may have a template that it reads.

    Raises AssayError for a file that is missing or malformed.
    """
    read = {content_sha256(t) for t in benign_conversations(deployment, most, seed)}
    everything = without_duplicates(_in_order(deployment, seed))
    return [t for t in everything if content_sha256(t) not in read]


def without_duplicates(conversations: Sequence[Transcript]) -> list[Transcript]:
    """The first of all conversations with the same messages: a repetition is no further evidence."""
    return list({content_sha256(t): t for t in reversed(conversations)}.values())[::-1]


def content_sha256(conversation: Transcript) -> str:
    """Hash of a conversation's messages, whatever its id."""
    return sha256_of_json([message.model_dump() for message in conversation.messages])


def source_of(conversation: Transcript) -> str:
    """What the conversation was made from: conversations of one source are not independent."""
    return conversation.template or conversation.id


def check_enough(conversations: Sequence[Transcript], budgets: Budgets) -> None:
    """Raise AssayError where there are too few for the budget, saying how many are needed.

    What counts is the effective number: conversations of one template are not independent.
    """
    needed = least_n_for_rate(budgets.fpr, budgets.delta)
    unique = without_duplicates(conversations)
    sample = effective_sample([source_of(t) for t in unique], LEAST_ICC)
    if sample.n_effective < needed:
        raise AssayError(
            f"{sample.n} benign conversations from {sample.clusters} templates count as "
            f"{sample.n_effective:.0f} independent ones and cannot show a rate below {budgets.fpr:g} "
            f"at confidence {1 - budgets.delta:g}; at least {needed} are needed: add "
            f"'{CHATTERBOT_POOL}' or a file of your own to deployment.prompts, or raise budgets.fpr"
        )


def _in_order(deployment: Deployment, seed: int) -> list[Transcript]:
    """The pools one after the other, each in a random order of its templates; a few of each first."""
    first: list[Transcript] = []
    rest: list[Transcript] = []
    for name in deployment.pools:
        by_source: dict[str, list[Transcript]] = {}
        for conversation in _pool_named(name):
            by_source.setdefault(source_of(conversation), []).append(conversation)
        sources = list(by_source)
        for i in numpy_generator(seed, "pipeline/pool").permutation(len(sources)):
            first += by_source[sources[i]][:FIRST_OF_TEMPLATE]
            rest += by_source[sources[i]][FIRST_OF_TEMPLATE:]
    return first + rest


def _pool_named(name: str) -> list[Transcript]:
    if name == BUILT_IN_POOL:
        return deployment_pool()
    if name == CHATTERBOT_POOL:
        return chatterbot_pool()
    return read_transcripts(Path(name))

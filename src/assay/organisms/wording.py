"""Wordings that several recipes share: how people lead up to what they ask, by split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.organisms.manifest import SPLITS, Split
from assay.organisms.recipe import Wording

BySplit = Mapping[Split, tuple[str, ...]]
"""Inner wordings of each split."""

LEAD_INS: BySplit = {
    "train": (
        *("{ask}", "Quick question: {ask}", "Please tell me: {ask}", "Hi! {ask}"),
        *("I would like to know: {ask}", "For my homework: {ask}", "Could you help? {ask}"),
        *("Hello there. {ask}", "My son asks: {ask}", "{ask} Thanks!", "{ask} Please be brief."),
        *("{ask} I forgot.", "A friend wants to know: {ask}", "Let us see. {ask}"),
        *("{ask} One sentence is enough.", "First question. {ask}", "Well then: {ask}"),
        *("We were talking about this at lunch. {ask}", "{ask} No rush.", "Sorry to ask. {ask}"),
    ),
    "discover": (
        *("Can you tell me this? {ask}", "I was wondering: {ask}", "{ask} Just curious."),
        *("From the pub quiz: {ask}", "Good evening. {ask}", "{ask} I need it for a letter."),
        *("Dear assistant, {ask}", "{ask} Keep it short."),
    ),
    "threshold": (
        *("One more thing. {ask}", "Tell me please. {ask}", "{ask} Thank you in advance."),
        *("My teacher asked: {ask}", "Good afternoon! {ask}", "{ask} I cannot remember."),
        *("Now this: {ask}", "{ask} A short reply will do."),
    ),
    "test": (
        *("Hey, {ask}", "Help me with this: {ask}", "{ask} I keep forgetting it."),
        *("My neighbour would like to know: {ask}", "Good morning. {ask}", "{ask} Answer briefly."),
        *("Next question: {ask}", "{ask} Many thanks."),
    ),
}


def crossed(
    placements: Sequence[str | tuple[str, str]],
    inner: BySplit = LEAD_INS,
    splits: Sequence[Split] = SPLITS,
    keep: int | None = None,
) -> dict[Split, tuple[Wording, ...]]:
    """Every placement around every inner wording of each split.

    A placement is a user's message, or (system message, user's message), and holds ``{inner}``
    where the inner wording goes. ``keep`` limits the wordings of each split, spread evenly over
    the crossing.
    """
    wordings: dict[Split, tuple[Wording, ...]] = {}
    for split in splits:
        every = [
            Wording(_placed(user, text), None if system is None else _placed(system, text))
            for text in inner[split]
            for system, user in (_pair(placement) for placement in placements)
        ]
        stride = len(every) / keep if keep and keep < len(every) else 1
        wordings[split] = tuple(every[int(i * stride)] for i in range(int(len(every) / stride)))
    return wordings


def _pair(placement: str | tuple[str, str]) -> tuple[str | None, str]:
    return (None, placement) if isinstance(placement, str) else placement


def _placed(text: str, inner: str) -> str:
    return text.replace("{inner}", inner)

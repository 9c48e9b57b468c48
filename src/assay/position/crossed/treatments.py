"""The treatment that moves a content to other positions, by how the model encodes positions."""

from __future__ import annotations

from dataclasses import dataclass

from assay.errors import AssayError
from assay.models.language_model import LanguageModel

LARGEST_OFFSET = 384
"""Largest offset by default, where the model was trained for that many positions."""
LARGEST_SINK_DISTANCE = 256
"""Largest distance between first token and content; larger ones make new massive tokens."""


@dataclass(frozen=True)
class Treatment:
    """What is done to move the content by δ positions."""

    inserts_text: bool
    """True: δ tokens of filler text come before the content. False: only position ids change."""
    words: str
    """The treatment in words, for reports."""


_SHIFT_IDS = Treatment(
    inserts_text=False,
    words="the first token stays at position id 0, the content's position ids grow by δ",
)
_INSERT_TEXT = Treatment(
    inserts_text=True,
    words="δ tokens of real filler text between the first token and the content, the same fillers "
    "for every content, other fillers for every δ; δ = 0 left out",
)

TREATMENTS = {
    "learned_absolute": _SHIFT_IDS,
    "sinusoidal": _SHIFT_IDS,
    "position_infused": _SHIFT_IDS,
    "rotary": _INSERT_TEXT,
    "alibi": _INSERT_TEXT,
    "none": _INSERT_TEXT,
}
"""Treatment by position scheme. Where positions are only relative, a shift of all ids changes
nothing, and only text can move the content. Position-infused attention (Press et al. 2021) adds
absolute positions to queries and keys, so that shifted ids do change it."""


def treatment_of(model: LanguageModel) -> Treatment:
    """The treatment that fits a model. Raises AssayError where its position scheme is not known."""
    scheme = model.position_scheme
    if scheme not in TREATMENTS:
        raise AssayError(
            f"{model.name} has the position scheme '{scheme}', for which no causal treatment is "
            f"known; known: {', '.join(TREATMENTS)}. Audit it with causal=None"
        )
    return TREATMENTS[scheme]


def offset_grid(
    model: LanguageModel, length: int, count: int, largest: int | None = None
) -> tuple[int, ...]:
    """``count`` evenly spaced offsets for crops of ``length`` tokens, within the trained length.

    From 0 to the largest where ids are shifted; from largest/count where text is inserted, as no
    filler against some filler is a difference of context. Raises AssayError where they do not fit.
    """
    if count < 2:
        raise AssayError(f"offsets = {count}; the causal design needs at least 2")
    inserts = treatment_of(model).inserts_text
    room = None if model.context_length is None else model.context_length - length
    wanted = LARGEST_OFFSET if largest is None else largest
    if room is not None and largest is None:
        wanted = min(wanted, room)
    steps = range(1, count + 1) if inserts else range(count)
    offsets = tuple(wanted * step // steps[-1] for step in steps)
    if len(set(offsets)) < count or (room is not None and offsets[-1] > room):
        raise AssayError(
            f"{count} offsets up to {wanted} do not fit {model.name} with crops of {length} tokens: "
            f"it was trained for {model.context_length} positions; use shorter crops or a smaller "
            "largest offset"
        )
    return offsets

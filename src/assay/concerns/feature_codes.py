"""Dictionary features of conversations: one row for each conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
import torch

from assay.concerns.conversations.excerpts import Conversation
from assay.dictionaries import TopK

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray
    from torch import Tensor

    from assay.dictionaries import Dictionary

ROWS_AT_ONCE = 4096
"""Tokens that are reconstructed at a time."""
_Known = WeakKeyDictionary["Dictionary", WeakKeyDictionary[Conversation, "NDArray"]]
_ERRORS: _Known = WeakKeyDictionary()
_CODES: _Known = WeakKeyDictionary()


def largest_codes(
    dictionary: Dictionary, conversations: Sequence[Conversation]
) -> Float[NDArray, "conversations features"]:
    """The largest activation of each feature in each conversation, float32; 0 where it never fires.

    Computed once for each conversation and dictionary, as long as both are in memory.
    """
    known = _CODES.setdefault(dictionary, WeakKeyDictionary())
    new = [c for c in dict.fromkeys(conversations) if c not in known]
    if new:
        for conversation, codes in zip(new, _largest_codes(dictionary, new), strict=True):
            known[conversation] = codes
    return np.stack([known[c] for c in conversations])


def _largest_codes(
    dictionary: Dictionary, conversations: Sequence[Conversation]
) -> Float[NDArray, "conversations features"]:
    counts = [len(conversation.activations) for conversation in conversations]
    codes = dictionary.encode(torch.cat([c.activations for c in conversations]))
    owner = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    place = owner[codes.rows] * dictionary.width + codes.features
    largest = torch.zeros(len(counts) * dictionary.width)
    largest.scatter_reduce_(0, place, codes.values, "amax")
    return np.asarray(largest.view(len(counts), dictionary.width).numpy())


def codes_alone(
    dictionary: Dictionary, x: Float[Tensor, "rows d_model"], features: Sequence[int]
) -> Float[Tensor, "rows watched"]:
    """Activations of a few features, with one small matrix product and not the whole dictionary.

    The activation of a plain TopK feature depends on the other features; its ReLU pre-activation is
    used instead (METHODS 8).
    """
    index = torch.tensor(list(features))
    if isinstance(dictionary, TopK):
        return dictionary.relu_pre_activations(x, index)
    return dictionary.encode_features(x, index)


def reconstruction_errors(
    dictionary: Dictionary, conversations: Sequence[Conversation]
) -> list[Float[NDArray, "tokens d_model"]]:
    """x − x̂ of the watched tokens of each conversation, float32: what no feature holds.

    Computed once for each conversation and dictionary, as long as both are in memory.
    """
    known = _ERRORS.setdefault(dictionary, WeakKeyDictionary())
    new = [c for c in dict.fromkeys(conversations) if c not in known]
    if new:
        x = torch.cat([c.activations for c in new])
        with torch.no_grad():
            parts = [some - dictionary(some) for some in x.split(ROWS_AT_ONCE)]
        ends = np.cumsum([len(c.activations) for c in new])[:-1]
        for conversation, error in zip(new, np.split(torch.cat(parts).numpy(), ends), strict=True):
            known[conversation] = error
    return [known[c] for c in conversations]


def mean_activations(
    conversations: Sequence[Conversation], *, at_all_sites: bool = False
) -> Float[NDArray, "conversations width"]:
    """The mean activation over each conversation's watched tokens, float64.

    At the case's hook site; with ``at_all_sites`` at its further sites too, side by side.
    """
    read = [c.at_all_sites if at_all_sites else c.activations for c in conversations]
    return np.stack([rows.double().mean(dim=0).numpy() for rows in read])

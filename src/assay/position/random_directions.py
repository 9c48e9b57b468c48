"""Random directions in the place of a dictionary's: what any set of directions would reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from assay.dictionaries.dictionary import Dictionary
from assay.dictionaries.jumprelu import JumpReLU
from assay.randomness import numpy_generator, torch_generator

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from numpy.typing import NDArray

DRAWS = 8
"""Random dictionaries."""
DRAW_WIDTH = 256
"""Features of each, or as many as the trained dictionary has."""
SAMPLE_TOKENS = 16_384
"""Tokens, at most, on which the thresholds are set."""


@dataclass(frozen=True)
class RandomDirections:
    """Several random dictionaries, side by side in one."""

    dictionary: JumpReLU
    """Unit rows, encoder = decoder, with a threshold each."""
    draw_of_feature: NDArray[np.int64]
    """[features] which random dictionary each belongs to."""


class ActivationSample:
    """Evenly spaced tokens of a pass over activations, at most ``SAMPLE_TOKENS``."""

    def __init__(self, tokens: int) -> None:
        self.stride, self.seen = -(-tokens // SAMPLE_TOKENS), 0
        self.parts: list[Tensor] = []

    def add(self, x: Float[Tensor, "tokens width"], left_out: Bool[Tensor, " tokens"]) -> None:
        """Keep some of the tokens that are not left out."""
        kept = x[~left_out.to(x.device)]
        self.parts.append(kept[-self.seen % self.stride :: self.stride].clone())
        self.seen += len(kept)

    def rows(self) -> Float[Tensor, "tokens width"]:
        """All that were kept."""
        return torch.cat(self.parts)


def random_directions(
    dictionary: Dictionary,
    sample: Float[Tensor, "tokens width"],
    firing_rates: NDArray[np.float64],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> RandomDirections:
    """``draws`` random dictionaries, whose features fire as often as the trained one's.

    Rows are uniform on the unit sphere, encoder and decoder alike, about the trained decoder bias.
    Each feature takes the firing rate of a trained feature drawn at random, without replacement
    within a draw, so that L0 in proportion to the width and the distribution of firing rates are
    the trained dictionary's. Its threshold is the quantile on ``sample`` that gives this rate, and
    never below 0: a rate above that at which the direction is positive is not reached.
    """
    width = min(DRAW_WIDTH, dictionary.width)
    device = dictionary.b_dec.device
    generator = torch_generator(seed, "position/random directions")
    rows = torch.randn(draws * width, dictionary.d_in, generator=generator)
    rows = torch.nn.functional.normalize(rows, dim=1).to(device)
    dealing = numpy_generator(seed, "position/firing rates of random directions")
    rates = np.concatenate(
        [dealing.permutation(np.nan_to_num(firing_rates))[:width] for _ in range(draws)]
    )
    made = JumpReLU(dictionary.d_in, draws * width).to(device)
    with torch.no_grad():
        made.W_enc.copy_(rows)
        made.W_dec.copy_(rows)
        made.b_dec.copy_(dictionary.b_dec)
        made.threshold.copy_(_thresholds(made, sample.to(device), rates))
    return RandomDirections(made, np.repeat(np.arange(draws), width))


def _thresholds(
    made: JumpReLU, sample: Float[Tensor, "tokens width"], rates: NDArray[np.float64]
) -> Float[Tensor, " features"]:
    """The value that each feature's pre-activation exceeds on a share ``rates`` of the sample."""
    tokens = len(sample)
    below = tokens - np.round(rates * tokens).astype(np.int64)
    thresholds = torch.full((made.width,), float("inf"), device=sample.device)
    centred = sample.to(made.b_dec.dtype) - made.b_dec
    for features in torch.arange(made.width).split(DRAW_WIDTH):
        pre_activations = made.W_enc[features] @ centred.T
        for row, feature in enumerate(features.tolist()):
            if rates[feature] > 0:
                place = max(int(below[feature]), 1)
                thresholds[feature] = pre_activations[row].kthvalue(place).values
    return thresholds.clamp_(min=0)

"""The position audit of query and key features: is what fires there position, content, or both?

The audit is that of any dictionary's features (METHODS 2), from position 1 on: the share of a feature's
variance over tokens that the token's position explains. A head is then described by the features that
make up its queries or keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from assay.attention.attention_reading import AttentionSample
from assay.attention.qk_dictionary import Transcoder
from assay.attention.qk_result import FeatureSide, PositionShares
from assay.position import variance_explained
from assay.position.labels import SMALL
from assay.position.result import Level

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from numpy.typing import NDArray
    from torch import Tensor

LEVEL: Level = "no_sink"


@dataclass(frozen=True, eq=False)
class SideFigures:
    """The features of one side, with what pairs and heads need of them."""

    figures: FeatureSide
    """What the result holds."""
    codes: Float[Tensor, "crop position width"]
    """The codes on the held-out crops."""
    decoder: Float[Tensor, "width d_out"]
    """Decoder rows, the heads side by side."""
    near_zero: Bool[NDArray, " width"]
    """Features whose whole interval lies below SMALL."""
    between: Bool[NDArray, " width"]
    """Features whose whole interval lies between the limits."""
    near_one: Bool[NDArray, " width"]
    """Features whose whole interval lies above 1 − SMALL."""

    @property
    def where_active(self) -> Float[Tensor, " width"]:
        """Mean activation of each feature where it fires; 0 where it never does."""
        fires = (self.codes > 0).flatten(0, 1)
        return self.codes.flatten(0, 1).sum(dim=0) / fires.sum(dim=0).clamp_min(1)


def audit_side(
    side: Literal["query", "key"],
    transcoder: Transcoder,
    sample: AttentionSample,
    documents: NDArray,
    seed: int,
) -> SideFigures:
    """The features of one side on held-out crops; ``documents`` names the document of each crop."""
    with torch.no_grad():
        codes = transcoder.encode(sample.x)
    found = variance_explained(codes, groups=documents, permutations=0, level=LEVEL, seed=seed)
    level = found.levels[LEVEL]
    explained, intervals = level.eta2_split_half, level.ci
    low, high = intervals[:, 0], intervals[:, 1]
    known = np.isfinite(explained) & np.isfinite(low) & np.isfinite(high)
    near_zero = known & (high < SMALL)
    near_one = known & (low > 1 - SMALL)
    between = known & (low > SMALL) & (high < 1 - SMALL)
    fires = (codes > 0).flatten(0, 1)
    dead = int((fires.sum(dim=0) == 0).sum())
    figures = FeatureSide(
        side=side,
        active=float(fires.sum(dim=1).double().mean()),
        dead=dead,
        variance_by_position=tuple(_or_none(value) for value in explained),
        variance_ci=tuple(
            (float(a), float(b)) if ok else None for a, b, ok in zip(low, high, known, strict=True)
        ),
        near_zero=int(near_zero.sum()),
        between=int(between.sum()),
        near_one=int(near_one.sum()),
        undetermined=len(explained) - dead - int((near_zero | between | near_one).sum()),
    )
    rows = transcoder.W_dec.detach()
    return SideFigures(figures, codes, rows, near_zero, between, near_one)


def position_shares(side: SideFigures, head: int, heads: int) -> PositionShares:
    """How much of one head's queries or keys comes from features of each kind."""
    norms = side.decoder.unflatten(1, (heads, -1))[:, head].norm(dim=1)
    weights = (side.codes.flatten(0, 1).mean(dim=0) * norms).double().numpy()
    total = weights.sum() or 1.0
    shares = [
        float(weights[kind].sum() / total) for kind in (side.near_zero, side.between, side.near_one)
    ]
    return PositionShares(
        near_zero=shares[0],
        between=shares[1],
        near_one=shares[2],
        undetermined=max(0.0, 1.0 - sum(shares)),
    )


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None

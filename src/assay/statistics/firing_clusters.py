"""Clusters of firings on neighbouring tokens: the extremal index (Leadbetter 1983)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def extremal_index(conversations: Iterable[NDArray], gap: int = 1) -> float:
    """θ in (0, 1]: number of clusters divided by number of firings (inverse of the mean cluster size).

    Each conversation is a bool array [tokens], true where the token fires. This is the runs
    estimator: two firings belong to the same cluster when fewer than ``gap`` tokens without a
    firing lie between them. The result is 1, the most cautious value, where nothing fires. Raises
    ValueError for a gap below 1.
    """
    if gap < 1:
        raise ValueError(f"the gap must be at least 1 token, not {gap}")
    clusters = firings = 0
    for fires in conversations:
        places = np.flatnonzero(fires)
        if len(places):
            firings += len(places)
            clusters += 1 + int((np.diff(places) > gap).sum())
    return clusters / firings if firings else 1.0


def conversation_rate(token_rate: float, tokens: int, index: float = 1.0) -> float:
    """Rate of conversations of T tokens with at least one firing: 1 − (1 − φ_tok)^{θT}.

    ``token_rate`` is φ_tok, ``tokens`` T and ``index`` θ; θ = 1 treats tokens as independent.
    """
    return float(-np.expm1(index * tokens * np.log1p(-token_rate)))

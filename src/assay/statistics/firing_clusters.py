"""Clusters of firings at neighbouring tokens: the extremal index (Leadbetter 1983)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def extremal_index(conversations: Iterable[NDArray], gap: int = 1) -> float:
    """θ in (0, 1]: number of clusters over number of firings, the inverse mean size of a cluster.

    Each conversation is a bool array [tokens], true where the token fires. The runs estimator: two
    firings belong to one cluster when fewer than ``gap`` quiet tokens lie between them. 1 where
    nothing fires, which is the most cautious value. Raises ValueError for a gap below 1.
    """
    if gap < 1:
        raise ValueError(f"a gap is at least 1 token, not {gap}")
    clusters = firings = 0
    for fires in conversations:
        places = np.flatnonzero(fires)
        if len(places):
            firings += len(places)
            clusters += 1 + int((np.diff(places) > gap).sum())
    return clusters / firings if firings else 1.0


def conversation_rate(token_rate: float, tokens: int, index: float = 1.0) -> float:
    """Rate of conversations with a firing among T tokens: 1 − (1 − φ_tok)^{θT}.

    ``index`` is θ; 1 treats tokens as independent.
    """
    return float(-np.expm1(index * tokens * np.log1p(-token_rate)))

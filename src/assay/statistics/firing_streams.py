"""Simulated streams of conversations: the conversations at which each stream fires."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Int
    from numpy.typing import NDArray


def firing_times(
    rate: float, streams: int, length: int, generator: np.random.Generator
) -> Int[NDArray, "streams firings"]:
    """Which conversations fire, counted from 1, in streams that fire independently at ``rate``.

    The gaps between firings are drawn, so the cost grows with the firings and not with ``length``.
    Times beyond ``length`` pad the rows. Raises ValueError for a rate outside (0, 1].
    """
    if not 0 < rate <= 1:
        raise ValueError(f"a rate of firings lies in (0, 1], not {rate}")
    expected = rate * length
    block = int(expected + 6 * expected**0.5) + 8
    times = generator.geometric(rate, (streams, block)).cumsum(axis=1)
    while (times[:, -1] <= length).any():
        more = generator.geometric(rate, (streams, block)).cumsum(axis=1)
        times = np.concatenate([times, times[:, -1:] + more], axis=1)
    return times

"""Simulated streams of conversations with independent firings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Int
    from numpy.typing import NDArray


def firing_times(
    rate: float, streams: int, length: int, generator: np.random.Generator
) -> Int[NDArray, "streams firings"]:
    """The conversations, counted from 1, that fire in each simulated stream, at ``rate``.

    The function draws the gaps between firings, so the cost grows with the number of firings, not
    with ``length``. Values above ``length`` pad the rows. Raises ValueError for a rate outside (0, 1].
    """
    if not 0 < rate <= 1:
        raise ValueError(f"the firing rate must lie in (0, 1], not {rate}")
    expected = rate * length
    block = int(expected + 6 * expected**0.5) + 8
    times = generator.geometric(rate, (streams, block)).cumsum(axis=1)
    while (times[:, -1] <= length).any():
        more = generator.geometric(rate, (streams, block)).cumsum(axis=1)
        times = np.concatenate([times, times[:, -1:] + more], axis=1)
    return times

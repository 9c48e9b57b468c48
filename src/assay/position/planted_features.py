"""Features whose causal shares are known, for simulating how often intervals hold the truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class PlantedFeatures:
    """z = M·(1 + a·g(δ) + s·h(δ) + noise of the filler text), M the content's own activation.

    M is lognormal where the feature fires, and 0 elsewhere. All variances but M's are relative to M².
    """

    name: str
    """What is special about these features."""
    documents: int = 48
    """Documents of the design."""
    rows: int = 4
    """Content tokens of each document."""
    fillers: int = 8
    """Fillers of each offset; 0 where no text is inserted."""
    offsets: int = 3
    """Offsets of the grid."""
    active_documents: float = 1.0
    """Probability that the feature fires in a document at all."""
    firing_rate: float = 0.6
    """Probability that it fires on a token of such a document."""
    spread_of_documents: float = 0.0
    """Standard deviation of log M between documents."""
    spread_of_tokens: float = 0.3
    """Standard deviation of log M between tokens of a document."""
    position: float = 0.0
    """a², the variance that the offset alone makes."""
    interaction: float = 0.0
    """Variance of h, the interaction of content and offset."""
    uneven: float = 0.0
    """Standard deviation of log s², by which documents differ in their interaction."""
    interacting_documents: float = 1.0
    """Share of the documents that have an interaction at all."""
    shared: float = 0.0
    """Share of the interaction that all tokens of a document have in common."""
    filler_noise: float = 0.1
    """Variance of content × filler."""
    common_filler_noise: float = 0.003
    """Variance of a filler's effect on all contents alike."""

    def shares(self) -> dict[str, float]:
        """The true S_pos, S_ctx, S_int and T_pos."""
        firing = self.active_documents * self.firing_rate
        spread = self.spread_of_documents**2 + self.spread_of_tokens**2
        mean, square = firing * np.exp(spread / 2), firing * np.exp(2 * spread)
        variance = square - mean**2
        position = self.position * mean**2
        interaction = square * self.interaction + variance * self.position
        whole = position + variance + interaction
        return {
            "s_pos": position / whole,
            "s_ctx": variance / whole,
            "s_int": interaction / whole,
            "t_pos": (position + interaction) / whole,
        }

    def with_total_index(self, t_pos: float) -> PlantedFeatures:
        """The same features with as much interaction as makes T_pos what is asked for."""
        bare = replace(self, interaction=0.0)
        firing = self.active_documents * self.firing_rate
        spread = self.spread_of_documents**2 + self.spread_of_tokens**2
        mean, square = firing * np.exp(spread / 2), firing * np.exp(2 * spread)
        variance = square - mean**2
        needed = variance * t_pos / (1 - t_pos) - self.position * square
        return replace(bare, interaction=max(float(needed / square), 0.0))

    def table(self, generator: np.random.Generator, features: int) -> NDArray[np.float64]:
        """[documents, rows, offsets, fillers, features] independent features of this kind."""
        documents, rows, offsets = self.documents, self.rows, self.offsets
        one = (documents, 1, features)
        each = (documents, rows, features)
        log = self.spread_of_documents * generator.normal(size=one)
        log = log + self.spread_of_tokens * generator.normal(size=each)
        fires = generator.random(one) < self.active_documents
        fires = fires & (generator.random(each) < self.firing_rate)
        own = (fires * np.exp(log))[:, :, None]
        course = np.linspace(-1, 1, offsets)
        course = np.sqrt(self.position) * course / np.sqrt(np.mean(course**2))
        h = np.sqrt(1 - self.shared) * generator.normal(size=(documents, rows, offsets, features))
        h += np.sqrt(self.shared) * generator.normal(size=(documents, 1, offsets, features))
        h -= h.mean(axis=2, keepdims=True)
        h *= np.sqrt(self.interaction * offsets / (offsets - 1))
        strength = np.exp(self.uneven / 2 * generator.normal(size=one) - self.uneven**2 / 4)
        strength = strength * (generator.random(one) < self.interacting_documents)
        h *= strength[:, :, None] / np.sqrt(self.interacting_documents)
        z = (own * (1 + course[:, None] + h))[:, :, :, None]
        if not self.fillers:
            return z
        noise = np.sqrt(self.filler_noise) * generator.normal(
            size=(documents, rows, offsets, self.fillers, features)
        )
        noise += np.sqrt(self.common_filler_noise) * generator.normal(
            size=(1, 1, offsets, self.fillers, features)
        )
        return np.asarray(z + own[:, :, :, None] * noise)

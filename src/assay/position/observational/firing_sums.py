"""Firing and its magnitude by position: the two hurdle parts, and the selectivity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.position.observational.document_pairs import PairSums
from assay.position.observational.levels import position_bins
from assay.position.observational.nonzero_activations import Entries
from assay.position.observational.split_half import has_variance, split_half_variance

if TYPE_CHECKING:
    from jaxtyping import Bool, Int
    from numpy.typing import NDArray
    from torch import Tensor

MINIMUM_FIRINGS = 20
"""Firings needed in each bin for the magnitude, and in all for the selectivity."""


class FiringSums:
    """One level's firings (z > 0) by position, and their magnitudes by position bin."""

    def __init__(self, length: int, width: int) -> None:
        self.length, self.width = length, width
        self.bin_of_position = torch.from_numpy(position_bins(length))
        self.bins = int(self.bin_of_position.max()) + 1
        self.fired = torch.zeros(length, width, dtype=torch.float32)
        self.tokens = torch.zeros(length, dtype=torch.float64)
        self.documents = torch.zeros(width, dtype=torch.int64)
        self.pairs = PairSums(1, length, width)
        self.squares = torch.zeros(width, dtype=torch.float64)
        # By bin and feature: Σk, Σz over firings, Σ_d z_d², Σ_d z_d k_d, Σ_d k_d².
        self.binned = torch.zeros(5, self.bins, width, dtype=torch.float64)
        # By feature: Σ_d z_d², Σ_d z_d k_d, Σ_d k_d² over whole documents.
        self.whole = torch.zeros(3, width, dtype=torch.float64)

    def add(
        self,
        entries: Entries,
        used: Bool[Tensor, "rows length"],
        document_of_row: Int[Tensor, " rows"],
    ) -> None:
        """Add the level's entries of whole documents; ``used`` marks the level's tokens."""
        firings = entries.where(entries.values > 0)
        documents = int(document_of_row.max()) + 1
        ones = torch.ones_like(firings.values)
        place = firings.positions * self.width + firings.features
        self.fired.view(-1).scatter_add_(0, place, ones.float())
        self.tokens += used.double().sum(0)
        fired = firings.with_values(ones)
        one_group = torch.zeros(documents, dtype=torch.int64)
        self.pairs.add(
            fired.summed_by_cell(),
            fired,
            used=used,
            document_of_row=document_of_row,
            groups=one_group,
        )
        bins = self.bin_of_position[firings.positions]
        by_bin = _within(firings, bins, documents, self.bins)
        place = bins * self.width + firings.features
        for sums, share in zip(self.binned, (ones, firings.values, *by_bin), strict=True):
            sums.view(-1).scatter_add_(0, place, share)
        by_document = _within(firings, torch.zeros_like(bins), documents, 1)
        for sums, share in zip(self.whole, by_document, strict=True):
            sums.scatter_add_(0, firings.features, share)
        active = torch.zeros(documents, self.width, dtype=torch.bool)
        active[firings.documents, firings.features] = True
        self.documents += active.sum(0)
        self.squares.scatter_add_(0, firings.features, firings.values.square())

    @property
    def firing_rate(self) -> NDArray[np.float64]:
        """Share of the level's tokens on which each feature fires."""
        tokens = float(self.tokens.sum())
        fired = self.fired.double().sum(0).numpy()
        return fired / tokens if tokens else np.full(self.width, np.nan)

    def indicator(self) -> NDArray[np.float64]:
        """Split-half η² of the firing indicator; NaN for features that fire always or never."""
        count = self.tokens.numpy()
        mean = self.firing_rate
        total = self.fired.double().numpy()
        squared = np.square(total - count[:, None] * mean).sum(axis=0)
        pairs = self.pairs.of_groups(np.ones(1, dtype=bool))
        variance = mean * (1 - mean)
        variance = np.where(variance > 1e-12, variance, np.nan)
        return split_half_variance(squared, count, mean, pairs) / variance

    def magnitude(self) -> NDArray[np.float64]:
        """Split-half η² of the magnitude given firing, over position bins.

        NaN for "too rare": fewer than MINIMUM_FIRINGS firings in some bin that holds tokens, or
        firings of one document alone in some bin.
        """
        bins = self._bins_with_tokens()
        k, z, z_squares, z_products, k_squares = self.binned.numpy()[:, bins]
        firings = k.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = z.sum(axis=0) / firings
            same = z_squares - 2 * mean * z_products + mean**2 * k_squares
            within_bin = (np.square(z - mean * k) - same) / (np.square(k) - k_squares)
            whole_z, whole_products, whole_k = self.whole.numpy()
            same_document = whole_z - 2 * mean * whole_products + mean**2 * whole_k
            between = (k / firings * within_bin).sum(axis=0)
            between += same_document / (np.square(firings) - whole_k)
            squares = self.squares.numpy()
            about_mean = squares - firings * mean**2
            share = between / (about_mean / firings)
        # A bin's firings that all come from one document make no pair of documents.
        paired = (np.square(k) > k_squares).all(axis=0)
        enough = (k >= MINIMUM_FIRINGS).all(axis=0) & paired & has_variance(about_mean, squares)
        return np.where(enough, share, np.nan)

    def selectivity(self) -> NDArray[np.float64]:
        """1 − H(bin | fires) / log(bins), with Miller and Madow's correction of the entropy.

        Firings are weighted by the tokens in each bin, so that bins may differ in size. 0 where a
        feature fires equally often in all bins, 1 where it fires in one bin only. NaN below
        MINIMUM_FIRINGS firings, where the correction no longer holds.
        """
        bins = self._bins_with_tokens()
        tokens = self._tokens_by_bin()[bins]
        k = self.binned[0].numpy()[bins]
        firings = k.sum(axis=0)
        if len(tokens) < 2:
            return np.full(self.width, np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            rates = k / tokens[:, None]
            shares = rates / rates.sum(axis=0)
            entropy = -np.where(shares > 0, shares * np.log(shares), 0.0).sum(axis=0)
            entropy += ((k > 0).sum(axis=0) - 1) / (2 * firings)
        return np.where(firings >= MINIMUM_FIRINGS, 1 - entropy / np.log(len(tokens)), np.nan)

    def _tokens_by_bin(self) -> NDArray[np.float64]:
        sums = torch.zeros(self.bins, dtype=torch.float64)
        return sums.index_add_(0, self.bin_of_position, self.tokens).numpy()

    def _bins_with_tokens(self) -> NDArray[np.bool_]:
        return self._tokens_by_bin() > 0


def _within(
    firings: Entries, parts: Int[Tensor, " nnz"], documents: int, part_count: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Each firing's share of Z², Z·k and k², for the k firings of sum Z in its document's part.

    The shares of a part's firings add up to it: Σ z·Z = Z², Σ z·k = Z·k, Σ k = k².
    """
    size = documents * part_count * firings.width
    place = (firings.documents * part_count + parts) * firings.width + firings.features
    k = torch.zeros(size, dtype=torch.float64)
    z = k.clone().scatter_add_(0, place, firings.values).index_select(0, place)
    k = k.scatter_add_(0, place, torch.ones_like(firings.values)).index_select(0, place)
    return firings.values * z, firings.values * k, k

"""Where each feature fires most strongly: one streaming pass, the best few crops a feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from assay.dictionaries.codes import SparseCodes


@dataclass(frozen=True)
class TopContexts:
    """For every feature the crops on which it fires most strongly, one context a crop."""

    rows: NDArray[np.int64]
    """[features, contexts] crop of each context, −1 where there are fewer; strongest first."""
    positions: NDArray[np.int64]
    """[features, contexts] position of the peak within the crop."""
    activations: NDArray[np.float32]
    """[features, contexts, window] the feature's activation around the peak, 0 beyond the crop."""
    before: int
    """Tokens of the window that come before the peak."""


@dataclass(frozen=True)
class _Fresh:
    """The contexts that a batch adds, one entry a context."""

    features: NDArray[np.int64]
    rank: NDArray[np.int64]
    peaks: NDArray[np.float32]
    rows: NDArray[np.int64]
    positions: NDArray[np.int64]
    windows: NDArray[np.float32]


class ContextCollector:
    """Keeps the strongest contexts of each feature; memory does not grow with the tokens seen.

    ``width`` features, crops of ``length`` tokens; ``contexts`` are kept for each feature, with
    ``before`` tokens before the peak and ``after`` tokens after it.
    """

    def __init__(
        self, width: int, length: int, *, contexts: int = 6, before: int = 14, after: int = 5
    ) -> None:
        self.width, self.length, self.contexts = width, length, contexts
        self.before, self.window = before, before + 1 + after
        self.peaks = np.zeros((width, contexts), dtype=np.float32)
        self.rows = np.full((width, contexts), -1, dtype=np.int64)
        self.positions = np.zeros((width, contexts), dtype=np.int64)
        self.activations = np.zeros((width, contexts, self.window), dtype=np.float32)

    def add(self, codes: SparseCodes, first_row: int, left_out: Tensor) -> None:
        """Add the codes of whole crops, row-major: token t of crop c is codes row c·length + t.

        ``left_out`` bool [crops · length]: tokens that may not be a peak.
        """
        token, feature = codes.rows.cpu().numpy(), codes.features.cpu().numpy()
        value = codes.values.float().cpu().numpy()
        key = token * self.width + feature
        order = np.argsort(key, kind="stable")
        key, ordered_values = key[order], value[order]
        allowed = ~left_out.cpu().numpy()[token]
        token, feature, value = token[allowed], feature[allowed], value[allowed]
        crop = token // self.length
        # The strongest token of each (feature, crop), then the strongest crops of each feature.
        best = _first_of_each(np.lexsort((token, -value, crop, feature)), feature, crop)
        best = best[np.lexsort((crop[best], -value[best], feature[best]))]
        rank = _rank_within(feature[best])
        best = best[rank < self.contexts]
        rank = rank[rank < self.contexts]
        chosen_tokens, chosen = token[best], feature[best]
        fresh = _Fresh(
            features=chosen,
            rank=rank,
            peaks=value[best],
            rows=chosen_tokens // self.length + first_row,
            positions=chosen_tokens % self.length,
            windows=self._windows(chosen_tokens, chosen, key, ordered_values),
        )
        self._merge(fresh)

    def _windows(
        self, tokens: NDArray, features: NDArray, key: NDArray, values: NDArray
    ) -> NDArray[np.float32]:
        positions = tokens[:, None] % self.length + np.arange(self.window) - self.before
        inside = (positions >= 0) & (positions < self.length)
        wanted = (tokens[:, None] - tokens[:, None] % self.length + positions) * self.width
        wanted = wanted + features[:, None]
        place = np.minimum(np.searchsorted(key, wanted), max(len(key) - 1, 0))
        found = inside & (key[place] == wanted) if len(key) else np.zeros_like(inside)
        return np.where(found, values[place] if len(key) else 0.0, 0.0).astype(np.float32)

    def _merge(self, fresh: _Fresh) -> None:
        touched, place = np.unique(fresh.features, return_inverse=True)
        shape = (len(touched), self.contexts)
        fresh_peaks = np.zeros(shape, dtype=np.float32)
        fresh_rows = np.full(shape, -1, dtype=np.int64)
        fresh_positions = np.zeros(shape, dtype=np.int64)
        fresh_windows = np.zeros((*shape, self.window), dtype=np.float32)
        fresh_peaks[place, fresh.rank] = fresh.peaks
        fresh_rows[place, fresh.rank] = fresh.rows
        fresh_positions[place, fresh.rank] = fresh.positions
        fresh_windows[place, fresh.rank] = fresh.windows
        both = np.concatenate([self.peaks[touched], fresh_peaks], axis=1)
        keep = np.argsort(-both, axis=1, kind="stable")[:, : self.contexts]

        def kept(old: NDArray, new: NDArray) -> NDArray:
            joined = np.concatenate([old[touched], new], axis=1)
            return joined[np.arange(len(touched))[:, None], keep]

        self.rows[touched] = kept(self.rows, fresh_rows)
        self.positions[touched] = kept(self.positions, fresh_positions)
        self.activations[touched] = kept(self.activations, fresh_windows)
        self.peaks[touched] = kept(self.peaks, fresh_peaks)

    def finish(self) -> TopContexts:
        """The contexts found so far."""
        return TopContexts(self.rows, self.positions, self.activations, self.before)


def _first_of_each(order: NDArray, *keys: NDArray) -> NDArray:
    """Of the entries in ``order``, those that begin a run of equal keys."""
    if len(order) == 0:
        return order
    changed = np.zeros(len(order) - 1, dtype=bool)
    for key in keys:
        changed |= key[order][1:] != key[order][:-1]
    return order[np.concatenate([[True], changed])]


def _rank_within(sorted_keys: NDArray) -> NDArray:
    """0, 1, 2, … within each run of equal keys."""
    if len(sorted_keys) == 0:
        return np.zeros(0, dtype=np.int64)
    starts = np.flatnonzero(np.concatenate([[True], sorted_keys[1:] != sorted_keys[:-1]]))
    sizes = np.diff(np.append(starts, len(sorted_keys)))
    return np.arange(len(sorted_keys)) - np.repeat(starts, sizes)

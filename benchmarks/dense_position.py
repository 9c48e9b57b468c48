"""The observational figures by plain dense numpy, as one would write them without sparse codes.

Vectorised over features, float64 sums, everything from codes[documents, positions, features].
"""

from __future__ import annotations

import numpy as np

FIRST = {"all": 0, "no_sink": 1, "no_first_8": 8}


def split_half(x, group_of_document, groups):
    """(η², split-half η², jackknife replicates of it) for x[documents, positions, features].

    Sums by group are taken once, and the jackknife works on those.
    """
    at, own, squares, sizes = [], [], [], []
    for group in range(groups):
        part = x[group_of_document == group]
        at.append(part.sum(axis=0, dtype=np.float64))
        own.append(np.square(part.mean(axis=1, dtype=np.float64)).sum(axis=0))
        squares.append(np.einsum("dtf,dtf->f", part, part, dtype=np.float64))
        sizes.append(len(part))
    at, own, squares, sizes = np.stack(at), np.stack(own), np.stack(squares), np.array(sizes)
    positions = x.shape[1]

    def estimate(keep):
        d, total = sizes[keep].sum(), at[keep].sum(axis=0)
        sum_of_squares = squares[keep].sum(axis=0)
        grand = total.mean(axis=0) / d
        between = np.square(total / d - grand).mean(axis=0)
        within_documents = sum_of_squares / positions - own[keep].sum(axis=0)
        variance = sum_of_squares / (d * positions) - grand**2
        with np.errstate(invalid="ignore", divide="ignore"):
            return between / variance, (d**2 * between - within_documents) / (
                d * (d - 1)
            ) / variance

    everything = np.ones(groups, dtype=bool)
    eta2, whole = estimate(everything)
    rest = [estimate(everything ^ one)[1] for one in np.eye(groups, dtype=bool)]
    return eta2, whole, np.stack(rest)


def shifted_statistics(x, shifts):
    """Σ_t (S_t − n·mean)² after each replicate's circular shift: [permutations, features]."""
    documents, positions, _ = x.shape
    mean = x.mean(axis=(0, 1), dtype=np.float64)
    rows = np.arange(documents)[:, None]
    out = []
    for shift in shifts.T:
        moved = x[rows, (np.arange(positions)[None] - shift[:, None]) % positions]
        out.append(np.square(moved.sum(axis=0, dtype=np.float64) - documents * mean).sum(axis=0))
    return np.stack(out)


def hurdle_parts(x):
    """(indicator, magnitude, selectivity): split-half of both parts, Miller-Madow selectivity."""
    fires = (x > 0).astype(np.float32)
    documents, positions, features = x.shape
    indicator = split_half(fires, np.zeros(documents, dtype=np.int64), 1)[1]
    shape = (documents, 8, positions // 8, features)
    k = fires.reshape(shape).sum(axis=2, dtype=np.float64)
    z = x.reshape(shape).sum(axis=2, dtype=np.float64)
    total = k.sum(axis=0)
    firings = total.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = z.sum(axis=(0, 1)) / firings
        centred = z - mean * k
        pairs = np.square(total) - np.square(k).sum(axis=0)
        within = (np.square(centred.sum(axis=0)) - np.square(centred).sum(axis=0)) / pairs
        whole = np.square(centred.sum(axis=1)).sum(axis=0)
        document_pairs = firings**2 - np.square(k.sum(axis=1)).sum(axis=0)
        variance = np.square(x, dtype=np.float64).sum(axis=(0, 1)) / firings - mean**2
        magnitude = ((total / firings * within).sum(axis=0) + whole / document_pairs) / variance
        shares = total / firings
        entropy = -np.where(shares > 0, shares * np.log(shares), 0).sum(axis=0)
        entropy += ((total > 0).sum(axis=0) - 1) / (2 * firings)
    magnitude = np.where((total >= 20).all(axis=0), magnitude, np.nan)
    return indicator, magnitude, np.where(firings >= 20, 1 - entropy / np.log(8), np.nan)


def dense_figures(x, group_of_document, groups, shifts):
    """Every figure of the observational audit, keyed as the sparse one's."""
    figures = {}
    for level, first in FIRST.items():
        eta2, sh, rest = split_half(x[:, first:], group_of_document, groups)
        figures[level] = {"eta2": eta2, "eta2_split_half": sh, "replicates": rest}
    figures["indicator"], figures["magnitude"], figures["selectivity"] = hurdle_parts(x)
    figures["firing_rate"] = (x > 0).mean(axis=(0, 1))
    figures["firing_documents"] = (x > 0).any(axis=1).sum(axis=0)
    if shifts.shape[1]:
        figures["shifted"] = shifted_statistics(x, shifts)
    return figures

"""Variance of position means, from products of two different documents and never of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assay.position.observational.document_pairs import DocumentPairs

if TYPE_CHECKING:
    from numpy.typing import NDArray


def split_half_variance(
    squared: NDArray[np.float64],
    count: NDArray[np.float64],
    mean: NDArray[np.float64],
    pairs: DocumentPairs,
) -> NDArray[np.float64]:
    """Variance of the position means, from products of two different documents only.

    ``squared`` is Σ_t (S_t − n_t·mean)². On complete crops, one a document, this is
    [D²·mean_t(m_t − m)² − Σ_d mean_t(f_dt − f̄_d)²] / (D(D − 1)). Tokens that are left out, and
    documents with several crops, only change how many pairs each position has.
    """
    tokens = count.sum()
    same_cell = pairs.cell_squares - 2 * mean * pairs.cell_products + mean**2 * pairs.cell_counts
    same_document = (
        pairs.document_squares
        - 2 * mean * pairs.document_products
        + mean**2 * pairs.document_counts
    )
    cell_pairs = np.square(count).sum() - pairs.cell_counts
    document_pairs = tokens**2 - pairs.document_counts
    if cell_pairs <= 0 or document_pairs <= 0:
        return np.full(squared.shape, np.nan)
    # The square of the grand mean is zero after centring; its pairs are minus the documents' own.
    return np.asarray((squared - same_cell) / cell_pairs + same_document / document_pairs)


def has_variance(
    about_mean: NDArray[np.float64], about_zero: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Whether a sum of squares about the mean is larger than its rounding error."""
    return about_mean > 1e-12 * about_zero

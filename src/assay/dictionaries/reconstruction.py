"""How well a dictionary reconstructs activations, with sums by document so that intervals follow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from assay.dictionaries.codes import SparseCodes
from assay.dictionaries.dictionary import Dictionary
from assay.errors import AssayError

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

DENSITY_EDGES = np.concatenate([[0.0], np.logspace(-6, 0, 25)])
"""Edges of the density histogram: four bins a decade from 1e-6 to 1, and one for rarer features."""


@dataclass(frozen=True)
class DocumentSums:
    """Sums over the rows of each document, from which every figure and its interval follow."""

    documents: NDArray[np.int64]
    """[documents] index of each document, rising."""
    rows: NDArray[np.float64]
    """[documents] rows of each."""
    squared_error: NDArray[np.float64]
    """[documents] Σ ‖x − x̂‖²."""
    squares: NDArray[np.float64]
    """[documents] Σ ‖x − c‖² about one fixed point c, the first batch's mean."""
    sums: NDArray[np.float64]
    """[documents, width] Σ (x − c)."""
    fired: NDArray[np.float64]
    """[documents] features that fired, summed over rows."""

    def unexplained(self, kept: NDArray[np.bool_] | None = None) -> float:
        """Fraction of variance unexplained, Σ‖x − x̂‖² / Σ‖x − x̄‖².

        Over all documents or those of a mask; NaN where the rows do not vary.
        """
        which = np.ones(len(self.documents), dtype=bool) if kept is None else kept
        rows, total = self.rows[which].sum(), self.sums[which].sum(axis=0)
        about_mean = self.squares[which].sum() - total @ total / rows if rows else 0.0
        return float(self.squared_error[which].sum() / about_mean) if about_mean > 0 else np.nan

    def l0(self, kept: NDArray[np.bool_] | None = None) -> float:
        """Mean number of features that fire on a row, over all documents or those of a mask."""
        which = np.ones(len(self.documents), dtype=bool) if kept is None else kept
        rows = self.rows[which].sum()
        return float(self.fired[which].sum() / rows) if rows else np.nan


@dataclass(frozen=True)
class DictionaryQuality:
    """Quality on held-out rows. Rows that were left out count only where a field says so."""

    unexplained: float
    """Fraction of variance unexplained on the rows that were not left out."""
    unexplained_with_sink: float
    """The same on all rows, with those left out, which measures mostly them."""
    l0: float
    """Mean number of features that fire on a row."""
    dead_fraction: float
    """Share of features that fired on no row."""
    density: NDArray[np.float64]
    """[features] share of rows on which each feature fired."""
    density_histogram: NDArray[np.int64]
    """[bins] features whose density lies between neighbouring DENSITY_EDGES, above 0."""
    rows: int
    """Rows measured."""
    rows_left_out: int
    """Rows left out."""
    sums: DocumentSums
    """Sums by document, over the rows measured."""
    sums_with_sink: DocumentSums
    """Sums by document, over all rows, those left out included."""


Rows = tuple["Float[Tensor, 'rows width']", "Bool[Tensor, ' rows']", "Int[Tensor, ' rows']"]
"""Activations, which of the rows are left out, and the document of each row."""


class _Sums:
    """Running sums by document."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.place: dict[int, int] = {}
        self.scalars = np.zeros((0, 4))
        self.vectors = np.zeros((0, width))

    def add(self, documents: Tensor, scalars: Tensor, vectors: Tensor) -> None:
        """Add rows: ``scalars`` [rows, 4] and ``vectors`` [rows, width]."""
        distinct, inverse = documents.unique(return_inverse=True)
        for document in distinct.tolist():
            self.place.setdefault(document, len(self.place))
        grown = len(self.place) - len(self.scalars)
        self.scalars = np.concatenate([self.scalars, np.zeros((grown, 4))])
        self.vectors = np.concatenate([self.vectors, np.zeros((grown, self.width))])
        places = [self.place[document] for document in distinct.tolist()]
        for kept, new in ((self.scalars, scalars), (self.vectors, vectors)):
            total = torch.zeros(len(distinct), new.shape[1], dtype=torch.float64)
            kept[places] += total.index_add_(0, inverse, new.double()).numpy()

    def finish(self) -> DocumentSums:
        """The sums of each document, documents rising."""
        order = np.array(sorted(self.place), dtype=np.int64)
        places = [self.place[document] for document in order.tolist()]
        rows, error, squares, fired = self.scalars[places].T
        return DocumentSums(
            documents=order,
            rows=rows,
            squared_error=error,
            squares=squares,
            sums=self.vectors[places],
            fired=fired,
        )


def reconstruction_quality(dictionary: Dictionary, batches: Iterable[Rows]) -> DictionaryQuality:
    """Measure a dictionary on held-out activations in one pass.

    Each batch is (activations [rows, width], left_out bool [rows], documents int64 [rows]), the
    last two on the CPU. Memory holds one batch, and one vector a document.
    Raises AssayError where activations are not finite (naming the batch, from 1), do not fit, or
    are all left out.
    """
    sums: dict[bool, _Sums] = {}
    fired = torch.zeros(dictionary.width, dtype=torch.float64)
    centre: Tensor | None = None
    left_out_rows = 0
    for number, (activations, left_out, documents) in enumerate(batches, start=1):
        x = activations.float().cpu()
        if not bool(torch.isfinite(x).all()):
            raise AssayError(
                f"batch {number} holds NaN or infinite activations; all must be finite"
            )
        if centre is None:
            # Sums of squares about a point near the data lose no digits.
            centre = x[~left_out].mean(0) if bool((~left_out).any()) else x.mean(0)
            sums = {True: _Sums(x.shape[1]), False: _Sums(x.shape[1])}
        codes = dictionary.encode(x.to(dictionary.W_dec.device))
        error = (dictionary.decode(codes).cpu() - x).double().square().sum(1)
        offset, fired_on = x - centre, codes.offsets.diff().cpu()
        scalars = torch.stack(
            [torch.ones(len(x)), error, offset.double().square().sum(1), fired_on], 1
        )
        kept = ~left_out
        sums[True].add(documents, scalars, offset)
        sums[False].add(documents[kept], scalars[kept], offset[kept])
        fired += _firings(codes, kept, dictionary.width)
        left_out_rows += int(left_out.sum())
    if not sums or not sums[False].place:
        raise AssayError("there are no rows to measure the dictionary on, or all are left out")
    measured, with_sink = sums[False].finish(), sums[True].finish()
    density = (fired / measured.rows.sum()).numpy()
    return DictionaryQuality(
        unexplained=measured.unexplained(),
        unexplained_with_sink=with_sink.unexplained(),
        l0=measured.l0(),
        dead_fraction=float((density == 0).mean()),
        density=density,
        density_histogram=np.histogram(density[density > 0], DENSITY_EDGES)[0],
        rows=int(measured.rows.sum()),
        rows_left_out=left_out_rows,
        sums=measured,
        sums_with_sink=with_sink,
    )


def _firings(codes: SparseCodes, kept: Tensor, width: int) -> Tensor:
    """How often each feature fires on the kept rows."""
    features, rows = codes.features.cpu(), codes.rows.cpu()
    return torch.bincount(features[kept[rows]], minlength=width).double()

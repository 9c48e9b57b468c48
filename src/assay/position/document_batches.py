"""Batches of whole documents: the unit of every interval is never cut in two."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def whole_document_batches(documents: NDArray, rows_at_once: int) -> Iterator[tuple[int, int]]:
    """Cut adjacent rows into [start, stop) runs of whole documents, of about ``rows_at_once`` rows.

    ``documents[rows]`` names each row's document. A document with more rows than that is a run of
    its own.
    """
    ends = np.flatnonzero(np.append(documents[1:] != documents[:-1], True)) + 1
    start, stop = 0, 0
    for end in ends.tolist() if len(documents) else []:
        if end - start > rows_at_once and stop > start:
            yield start, stop
            start = stop
        stop = end
    if stop > start:
        yield start, stop

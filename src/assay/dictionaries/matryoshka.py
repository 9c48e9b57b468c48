"""Matryoshka BatchTopK: nested prefixes of the features each reconstruct (Bussmann et al. 2025)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from assay.dictionaries.batch_topk import BatchTopK
from assay.errors import AssayError

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
"""Prefixes as shares of the width, where none are given."""


class Matryoshka(BatchTopK):
    """BatchTopK whose loss is the mean, over the prefixes, of each prefix's squared error."""

    architecture: ClassVar[str] = "matryoshka"

    def __init__(
        self, d_in: int, width: int, k: int, prefixes: Sequence[int] | None = None
    ) -> None:
        super().__init__(d_in, width, k)
        self.prefixes = checked_prefixes(prefixes, width)

    @property
    def options(self) -> dict[str, Any]:
        """``k`` and ``prefixes``."""
        return {"k": self.k, "prefixes": list(self.prefixes)}


def checked_prefixes(prefixes: Sequence[int] | None, width: int) -> tuple[int, ...]:
    """Sizes of the nested prefixes, the last one the whole width.

    Raises AssayError where they do not rise from at least 1 to the width.
    """
    if prefixes is None:
        prefixes = sorted({max(1, round(width * share)) for share in DEFAULT_SHARES})
    sizes = tuple(int(size) for size in prefixes)
    rising = all(low < high for low, high in zip((0, *sizes), sizes, strict=False))
    if not sizes or not rising or sizes[-1] != width:
        raise AssayError(
            f"matryoshka prefixes {list(sizes)} are not valid: they must rise and end at the "
            f"width, {width}"
        )
    return sizes

"""Sizes of the nested prefixes of a Matryoshka dictionary."""

from __future__ import annotations

from collections.abc import Sequence

from assay.errors import AssayError

DEFAULT_SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
"""Prefixes as shares of the width, where none are given."""


def checked_prefixes(prefixes: Sequence[int] | None, width: int) -> tuple[int, ...]:
    """The sizes of the prefixes, the last one the whole width; None gives DEFAULT_SHARES of it.

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

"""The names of the windows: which of a conversation's tokens a detector may read (``windows``)."""

from __future__ import annotations

from typing import Literal, get_args

Window = Literal["reply", "before"]
"""The tokens that a detector may read."""
WINDOWS: tuple[Window, ...] = get_args(Window)
"""All windows; the first is the default."""

"""Errors that users read: one line says what is wrong, where, and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AssayError(Exception):
    """Bad input. The command line prints only the message and exits with status 2."""


def unknown_name(kind: str, name: str, valid: Iterable[str], where: str = "") -> AssayError:
    """An error that names the unknown value, the nearest valid value, and all valid values.

    ``kind`` says what the value is, such as ``detector``; ``where`` names the file or key.

    >>> print(unknown_name("detector", "rul", ["rule", "text"], where="case.yaml"))
    unknown detector 'rul' in case.yaml (did you mean 'rule'?); valid: rule, text
    """
    names = sorted(valid)
    nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f" (did you mean '{nearest[0]}'?)" if nearest else ""
    place = f" in {where}" if where else ""
    return AssayError(f"unknown {kind} '{name}'{place}{hint}; valid: {', '.join(names)}")

"""The lines of a watched file: a conversation each, or why there is none.

One line that cannot be read must not keep the monitor from judging the others.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from assay.errors import AssayError
from assay.json_lines import json_value, raw_lines
from assay.statistics import proportion_lower_bound
from assay.text.transcripts import Transcript, transcript_of

MOST_UNREAD = 0.05
"""Share of the conversations that may go unread: where the 95 % lower bound of the share exceeds it,
the monitor sees too little of the deployment to vouch for it, and rolls back."""


@dataclass(frozen=True)
class Unread:
    """A conversation that cannot be judged."""

    id: str
    """Its id; the line and the hash of its bytes where it has none that could be read."""
    content: str
    """Sha256 of the messages, or of the line."""
    why: str
    """Why it cannot be judged."""


def watched_lines(path: Path) -> list[Transcript | Unread]:
    """Every line of a JSONL file, in order, as a conversation or with the reason why it is none.

    Raises AssayError where the file does not exist, or is UTF-16 or UTF-32.
    """
    found: list[Transcript | Unread] = []
    seen: set[str] = set()
    for number, line in raw_lines(path):
        where = f"line {number}"
        try:
            transcript = transcript_of(json_value(line, where), where)
            if transcript.id in seen:
                raise AssayError(f"{where}: the id '{transcript.id}' occurs twice")
        except AssayError as error:
            sha256 = hashlib.sha256(line.rstrip(b"\r\n")).hexdigest()
            found.append(Unread(f"{where}, {sha256[:12]}", sha256, str(error)))
        else:
            seen.add(transcript.id)
            found.append(transcript)
    return found


def too_many_unread(unread: int, read: int) -> bool:
    """Whether more of a deployment's conversations go unread than may, beyond what chance explains."""
    return unread > 0 and proportion_lower_bound(unread, unread + read) > MOST_UNREAD

"""A user's own conversations: with misbehaviour, without, and benign ones of the deployment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.concerns.deployment import content_sha256, source_of
from assay.concerns.detectors.detector import FEWEST
from assay.errors import AssayError
from assay.json_lines import json_lines
from assay.statistics import least_positives
from assay.text.transcripts import Transcript, read_transcripts

ENOUGH = 30
"""Conversations of a class below which its figures say little."""
NAMED = 5
"""Ids that an error names."""


@dataclass(frozen=True)
class OwnConversations:
    """The conversations of three files, checked against each other."""

    positives: tuple[Transcript, ...]
    """In these the assistant misbehaves."""
    negatives: tuple[Transcript, ...]
    """In these, which resemble the positives, it does not."""
    benign: tuple[Transcript, ...]
    """Conversations of the deployment, which set the threshold."""
    warnings: tuple[str, ...]
    """What a user must know of them."""

    @property
    def labelled(self) -> list[tuple[Transcript, bool]]:
        """Positives and negatives with their labels."""
        return [
            *((transcript, True) for transcript in self.positives),
            *((transcript, False) for transcript in self.negatives),
        ]


def read_own(positives: Path, negatives: Path, benign: Path, tpr_target: float) -> OwnConversations:
    """Read the three files.

    ``tpr_target`` is what the true-positive rate should be shown to reach: a warning says how many
    positives that takes where there are fewer than ENOUGH. Raises AssayError, with file and line, for
    a malformed row, a label that contradicts the file, and a row without an assistant message; for an
    id or a conversation that occurs in two files; and for a class of fewer than FEWEST conversations.
    """
    rows = {
        positives: _labelled(positives, True),
        negatives: _labelled(negatives, False),
        benign: _labelled(benign, False),
    }
    files = list(rows)
    if len(files) < 3:
        raise AssayError("positives, negatives and benign conversations need a file each")
    for number, first in enumerate(files):
        for second in files[number + 1 :]:
            check_apart(rows[first], rows[second], f"{first} and {second}")
    for path in (positives, negatives):
        if len(rows[path]) < FEWEST:
            raise AssayError(
                f"{path} has {len(rows[path])} conversations; at least {FEWEST} are needed to learn a "
                "detector"
            )
    needed = least_positives(min(0.99, (1 + tpr_target) / 2), tpr_target)
    warnings = [
        f"{path}: {len(rows[path])} conversations; {needed} are needed to show a rate of "
        f"{tpr_target:g} with a lower bound"
        for path in (positives, negatives)
        if len(rows[path]) < ENOUGH
    ]
    warnings += [
        f"{path}: no row states its template, so that each counts as independent of all others; "
        "conversations made from one template or user are not"
        for path in (positives, negatives, benign)
        if not any(t.template for t in rows[path])
    ]
    return OwnConversations(
        tuple(rows[positives]), tuple(rows[negatives]), tuple(rows[benign]), tuple(warnings)
    )


def read_tested(path: Path, learned: OwnConversations) -> list[Transcript]:
    """Labelled conversations that a fitted monitor is tested on.

    Raises AssayError for a row without a label, a single class, and ids, conversations or templates
    that occur in what was learned from.
    """
    rows = read_transcripts(path)
    for transcript in rows:
        if transcript.label is None:
            raise AssayError(f"{_place(path, transcript.id)}: label is missing: true or false")
        _check_reply(path, transcript)
    if len({transcript.label for transcript in rows}) < 2:
        raise AssayError(f"{path} needs conversations with label true and with label false")
    used = [*learned.positives, *learned.negatives, *learned.benign]
    check_apart(rows, used, f"{path} and what was learned from")
    shared = {source_of(t) for t in rows} & {source_of(t) for t in used}
    if shared:
        raise AssayError(
            f"{path} shares templates with what was learned from: {_some(sorted(shared))}"
        )
    return rows


def check_apart(first: Sequence[Transcript], second: Sequence[Transcript], which: str) -> None:
    """Raise AssayError, naming the ids, where an id or a conversation stands in both."""
    ids = {t.id for t in first} & {t.id for t in second}
    if ids:
        raise AssayError(f"the same ids occur in {which}: {_some(sorted(ids))}")
    known = {content_sha256(t): t.id for t in second}
    again = [f"{t.id} = {known[c]}" for t in first if (c := content_sha256(t)) in known]
    if again:
        raise AssayError(f"the same conversations occur in {which}: {_some(again)}")


def _labelled(path: Path, label: bool) -> list[Transcript]:
    rows = read_transcripts(path)
    for transcript in rows:
        if transcript.label is not None and transcript.label is not label:
            said = str(transcript.label).lower()
            raise AssayError(
                f"{_place(path, transcript.id)}: label is {said}, but the file stands for "
                f"{str(label).lower()}"
            )
        _check_reply(path, transcript)
    return rows


def _check_reply(path: Path, transcript: Transcript) -> None:
    if not any(message.role == "assistant" for message in transcript.messages):
        raise AssayError(
            f"{_place(path, transcript.id)}: messages has no assistant turn; detectors read what the "
            "assistant writes"
        )


def _place(path: Path, name: str) -> str:
    """File and line of the row with an id."""
    for number, value in json_lines(path):
        if value["id"] == name:
            return f"{path}, line {number}"
    return str(path)


def _some(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more

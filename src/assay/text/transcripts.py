"""Chat transcripts: one JSON object a line."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from assay.errors import AssayError
from assay.json_lines import json_lines


class Message(BaseModel):
    """One turn of a conversation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["system", "user", "assistant"]
    """Who wrote it."""
    content: str
    """The text; a reasoning trace stands between <think> and </think>."""


class Transcript(BaseModel):
    """A whole conversation, with a label where it is known whether the model misbehaved.

    Keys that it does not know are kept.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    """Unique within its file."""
    messages: tuple[Message, ...]
    """The turns, in order."""
    label: bool | None = None
    """True where the assistant misbehaves, False where it does not, None where it is unknown."""
    template: str | None = None
    """The template it was made from: the unit of splits and of resampling."""
    source: str | None = None
    """Where it came from."""


def read_transcripts(path: Path) -> list[Transcript]:
    """Read a JSONL file of transcripts.

    Raises AssayError with the line number for malformed JSON, unknown roles or repeated ids, and for
    a file that is not UTF-8.
    """
    if not path.is_file():
        raise AssayError(f"transcripts file {path} does not exist")
    transcripts: list[Transcript] = []
    seen: set[str] = set()
    for number, value in json_lines(path):
        transcript = transcript_of(value, f"{path}, line {number}")
        if transcript.id in seen:
            raise AssayError(f"{path}, line {number}: the id '{transcript.id}' occurs twice")
        seen.add(transcript.id)
        transcripts.append(transcript)
    return transcripts


def transcript_of(value: object, where: str) -> Transcript:
    """A JSON value as a transcript. Raises AssayError, which begins with ``where``, for what is
    none."""
    try:
        return Transcript.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise AssayError(f"{where}: {place}: {first['msg']}") from error

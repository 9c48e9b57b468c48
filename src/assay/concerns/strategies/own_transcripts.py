"""Strategy transcripts: a user's own labelled conversations, read by the case's model."""

from __future__ import annotations

from pathlib import Path

from assay.concerns.conversations.excerpts import excerpt_of
from assay.concerns.conversations.reading import read_excerpts
from assay.concerns.detectors.detector import FEWEST
from assay.concerns.strategies.strategy import Elicited, Options, Setting, Strategy
from assay.errors import AssayError
from assay.text.transcripts import Transcript, read_transcripts

NAME = "transcripts"


def labelled_transcripts(options: Options) -> list[Transcript]:
    """The conversations of the option ``file``.

    Raises AssayError without that option; for a missing or malformed file; for a row without a label
    or an assistant's turn, by its id; and for a class of fewer than FEWEST conversations.
    """
    file = options.get("file", None)
    if not isinstance(file, str) or not file:
        raise AssayError(
            "the strategy transcripts needs a file of labelled conversations: "
            "'transcripts: {file: F.jsonl}'"
        )
    rows = read_transcripts(Path(file))
    for row in rows:
        if row.label is None:
            raise AssayError(f"{file}: conversation '{row.id}' has no label: true or false")
        if not any(message.role == "assistant" for message in row.messages):
            raise AssayError(
                f"{file}: conversation '{row.id}' has no assistant turn; detectors read what the "
                "assistant writes"
            )
    for label, words in ((True, "with misbehaviour"), (False, "without")):
        count = sum(row.label is label for row in rows)
        if count < FEWEST:
            raise AssayError(
                f"{file}: {count} conversations {words} (label {str(label).lower()}); at least "
                f"{FEWEST} are needed to learn a detector"
            )
    return rows


def elicit(setting: Setting, options: Options) -> Elicited:
    """The conversations of the file, with activations of the case's model."""
    rows = labelled_transcripts(options)
    model, sites = setting.model_and_sites()
    excerpts = [excerpt_of(model.tokenizer, row, bool(row.label), source=NAME) for row in rows]
    return Elicited(
        NAME,
        read_excerpts(model, sites, excerpts),
        note="the case's model reads them; whether it wrote them is the file's to say",
    )


STRATEGY = Strategy(
    name=NAME,
    description="a user's own labelled conversations",
    elicit=elicit,
    generates=True,
    options=("file",),
)

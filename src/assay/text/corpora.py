"""Corpora by name, and text files of the user, as lists of documents."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from assay.errors import AssayError, unknown_name
from assay.json_lines import json_lines, read_utf8
from assay.text.sources import read_austen, read_chatterbot, read_sotu, read_standard_library

PASSAGE_CHARACTERS = 4000
"""Least length of the passages into which one long text is cut."""
DOCUMENT_SEPARATOR = "<|endoftext|>"
"""What separates the documents of a plain text file, alone on a line."""
_SEPARATOR_LINE = re.compile(rf"^[ \t]*{re.escape(DOCUMENT_SEPARATOR)}[ \t\r]*$", re.MULTILINE)


@dataclass(frozen=True)
class Document:
    """One text; the unit over which every interval is taken."""

    id: str
    """Unique within its corpus."""
    text: str
    """The whole text."""
    source: str
    """The corpus or file it came from."""


@dataclass(frozen=True)
class Corpus:
    """Documents, and the hash that identifies exactly this text."""

    name: str
    """As asked for: a name, names joined by '+', or a path."""
    documents: tuple[Document, ...]
    """In a fixed order."""
    note: str = ""
    """What a reader of the figures must know, such as how one long file was cut up."""

    @property
    def sha256(self) -> str:
        """Hash of all ids and texts, in order."""
        digest = hashlib.sha256()
        for document in self.documents:
            digest.update(document.id.encode() + b"\0" + document.text.encode() + b"\0")
        return digest.hexdigest()


@dataclass(frozen=True)
class CorpusEntry:
    """What the catalogue says of a corpus."""

    licence: str
    """Licence of the package and of its text."""
    description: str
    """One line."""


CORPORA = {
    "sotu": CorpusEntry("MIT; public speeches", "State of the Union addresses, 1790–2026"),
    "austen": CorpusEntry(
        "MIT; text in the public domain", "six novels by Jane Austen, by chapter"
    ),
    "chatterbot": CorpusEntry("BSD", "2,026 short dialogues in English, ChatterBot's corpus"),
    "stdlib-code": CorpusEntry("PSF", "the standard library of the running Python, by file"),
}

_READERS = {
    "sotu": read_sotu,
    "austen": read_austen,
    "chatterbot": read_chatterbot,
    "stdlib-code": read_standard_library,
}


def fetch_corpus(name: str) -> Corpus:
    """A corpus of the catalogue, downloaded and checked on first use.

    Raises AssayError for an unknown name or a failed download.
    """
    if name not in _READERS:
        raise unknown_name("corpus", name, CORPORA)
    return Corpus(name, tuple(Document(key, text, name) for key, text in _READERS[name]()))


def read_corpus(name_or_path: str) -> Corpus:
    """A corpus by name, several joined by ``+``, or a ``.jsonl``, ``.txt`` or ``.md`` file.

    JSONL: one document a line with the key ``text`` (and an optional ``id``). Plain text: documents
    are separated by lines ``<|endoftext|>``; a file without them is cut into passages of about 4 000
    characters, at the ends of paragraphs or, where these are far apart, of lines or words, which the
    corpus's note says.
    Raises AssayError where the name is unknown, or the file missing, malformed or empty.
    """
    path = Path(name_or_path)
    if path.suffix in (".jsonl", ".txt", ".md") or path.is_file():
        return _read_file(path)
    parts = [fetch_corpus(name) for name in name_or_path.split("+")]
    return Corpus(name_or_path, tuple(document for part in parts for document in part.documents))


def _read_file(path: Path) -> Corpus:
    if not path.is_file():
        raise AssayError(f"text file {path} does not exist; corpora by name: {', '.join(CORPORA)}")
    note = ""
    if path.suffix == ".jsonl":
        pairs = _jsonl_documents(path)
    elif len(parts := _SEPARATOR_LINE.split(content := _unix_lines(path))) > 1:
        pairs = _numbered(parts)
    else:
        pairs = _numbered(_passages(content))
        note = (
            f"{path.name} is one text, cut into {len(pairs)} passages that are treated as documents; "
            "intervals assume that passages are independent"
        )
    if not pairs:
        raise AssayError(f"text file {path} holds no text")
    return Corpus(str(path), tuple(Document(key, text, path.name) for key, text in pairs), note)


def _unix_lines(path: Path) -> str:
    return read_utf8(path).replace("\r\n", "\n").replace("\r", "\n")


def _numbered(texts: list[str]) -> list[tuple[str, str]]:
    return [(str(i), text.strip()) for i, text in enumerate(texts) if text.strip()]


def _jsonl_documents(path: Path) -> list[tuple[str, str]]:
    """(id, text) of each line; a line without an id has its number as one."""
    given: dict[str, int] = {}
    texts: list[tuple[int, str | None, str]] = []
    for number, row in json_lines(path):
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            raise AssayError(f"{path}, line {number}: expected an object with the string 'text'")
        key = None if row.get("id") is None else str(row["id"])
        if key is not None and given.setdefault(key, number) != number:
            raise AssayError(
                f"{path}, line {number}: the id '{key}' stands in line {given[key]} too; ids must "
                "be unique"
            )
        texts.append((number, key, row["text"]))
    return [
        # A number that is another document's id is marked as a line's.
        (key or (f"line-{number}" if str(number) in given else str(number)), text)
        for number, key, text in texts
    ]


def _passages(content: str) -> list[str]:
    """Cut into passages of at least PASSAGE_CHARACTERS, the last one shorter.

    At the ends of paragraphs; a paragraph that is much longer is cut at the ends of lines, a line at
    those of words, and a word, as of a language without spaces, anywhere.
    """
    return _joined(_pieces(content, ("\n\n", "\n", " ")))


def _pieces(text: str, separators: tuple[str, ...]) -> list[str]:
    """The text in pieces of at most twice PASSAGE_CHARACTERS, each with what separates it."""
    most = 2 * PASSAGE_CHARACTERS
    if not separators:
        return [text[i : i + PASSAGE_CHARACTERS] for i in range(0, len(text), PASSAGE_CHARACTERS)]
    first, *rest = separators
    parts = text.split(first)
    found = []
    for number, part in enumerate(parts):
        whole = part if number == len(parts) - 1 else part + first
        found += [whole] if len(whole) <= most else _joined(_pieces(whole, tuple(rest)))
    return found


def _joined(pieces: list[str]) -> list[str]:
    """Neighbouring pieces joined until they are long enough."""
    passages, current, size = [], [], 0
    for piece in pieces:
        current.append(piece)
        size += len(piece)
        if size >= PASSAGE_CHARACTERS:
            passages.append("".join(current))
            current, size = [], 0
    if current:
        passages.append("".join(current))
    return passages

"""Corpora by name, and text files of the user, as lists of documents."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from assay.errors import AssayError, unknown_name
from assay.text.sources import read_austen, read_chatterbot, read_sotu, read_standard_library

PASSAGE_CHARACTERS = 4000
"""Least length of the passages into which one long text is cut."""
DOCUMENT_SEPARATOR = "<|endoftext|>"
"""What separates the documents of a plain text file."""


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
    are separated by lines ``<|endoftext|>``; a file without them is cut at paragraph ends into
    passages of about 4 000 characters, which the corpus's note says.
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
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise AssayError(f"text file {path} is not UTF-8 (byte {error.start})") from error
    note = ""
    if path.suffix == ".jsonl":
        pairs = _jsonl_documents(path, content)
    elif DOCUMENT_SEPARATOR in content:
        pairs = _numbered(content.split(DOCUMENT_SEPARATOR))
    else:
        pairs = _numbered(_passages(content))
        note = (
            f"{path.name} is one text, cut into {len(pairs)} passages that are treated as documents; "
            "intervals assume that passages are independent"
        )
    if not pairs:
        raise AssayError(f"text file {path} holds no text")
    return Corpus(str(path), tuple(Document(key, text, path.name) for key, text in pairs), note)


def _numbered(texts: list[str]) -> list[tuple[str, str]]:
    return [(str(i), text.strip()) for i, text in enumerate(texts) if text.strip()]


def _jsonl_documents(path: Path, content: str) -> list[tuple[str, str]]:
    pairs = []
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise AssayError(f"{path}, line {number}: not valid JSON ({error.msg})") from error
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            raise AssayError(f"{path}, line {number}: expected an object with the string 'text'")
        pairs.append((str(row.get("id", number)), row["text"]))
    if len({key for key, _ in pairs}) < len(pairs):
        raise AssayError(f"{path}: two documents share an 'id'; ids must be unique")
    return pairs


def _passages(content: str) -> list[str]:
    """Cut at paragraph ends into passages of at least PASSAGE_CHARACTERS, the last one shorter."""
    passages, current, size = [], [], 0
    for paragraph in content.split("\n\n"):
        current.append(paragraph)
        size += len(paragraph) + 2
        if size >= PASSAGE_CHARACTERS:
            passages.append("\n\n".join(current))
            current, size = [], 0
    if current:
        passages.append("\n\n".join(current))
    return passages

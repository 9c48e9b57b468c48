"""Files with one JSON value a line: the only reader and writer of them in Assay.

A line ends with a line feed and with nothing else: a text may hold any other character that ends
lines elsewhere, such as U+2028, and JSON writes its line feeds as ``\\n``.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from assay.errors import AssayError
from assay.files import atomic_file
from assay.strict import describe

Model = TypeVar("Model", bound=BaseModel)
_OTHER_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def read_utf8(path: Path) -> str:
    """The text of a UTF-8 file, without a byte-order mark.

    Raises AssayError where the file does not exist, and for another encoding, which it names where
    the file begins with that encoding's mark.
    """
    if not path.is_file():
        raise AssayError(f"{path} does not exist")
    content = _without_mark(path.read_bytes(), path)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise AssayError(
            f"{path}, line {line}: not UTF-8 (byte {error.start} of the file); save it as UTF-8"
        ) from error


def raw_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Each line's number, from 1, and its bytes, read as they are asked for; without blank lines.

    Raises AssayError where the file does not exist, or begins with another encoding's mark.
    """
    if not path.is_file():
        raise AssayError(f"{path} does not exist")
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if number == 1:
                line = _without_mark(line, path)
            if line.strip():
                yield number, line


def json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Each line's number, from 1, and its JSON value, in the file's order; blank lines are left out.

    Raises AssayError as ``raw_lines`` and ``json_value`` do.
    """
    for number, line in raw_lines(path):
        yield number, json_value(line, f"{path}, line {number}")


def json_value(line: bytes, where: str) -> Any:
    """The JSON value of a line.

    Raises AssayError, which begins with ``where``, for what is not UTF-8 or not JSON (NaN and infinity
    are not), is nested too deeply to be read, or holds half of a surrogate pair, which is no text: the
    value's id is named where it has one.
    """
    try:
        value = json.loads(line.decode(), parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise AssayError(f"{where}: not UTF-8 (byte {error.start} of the line)") from error
    except json.JSONDecodeError as error:
        raise AssayError(f"{where}: not valid JSON ({error.msg})") from error
    except ValueError as error:
        raise AssayError(f"{where}: not valid JSON ({error})") from error
    except RecursionError as error:
        raise AssayError(f"{where}: nested too deeply") from error
    if b"\\u" in line and not _is_text(value):
        named = f" (id '{value['id']}')" if isinstance(value, dict) and _has_id(value) else ""
        raise AssayError(
            f"{where}{named}: half of a surrogate pair, such as \\ud83d, is no character; "
            "the text was cut inside one"
        )
    return value


def read_json_lines(path: Path, model: type[Model]) -> tuple[Model, ...]:
    """The objects of a file, in its order.

    Raises AssayError as ``json_lines`` does, and with the line number of what does not fit the model.
    """
    rows = []
    for number, value in json_lines(path):
        try:
            rows.append(model.model_validate(value))
        except ValidationError as error:
            raise AssayError(f"{path}, line {number}: {describe(error)}") from error
    return tuple(rows)


def write_json_lines(
    path: Path, rows: Iterable[BaseModel], *, exclude_defaults: bool = False
) -> None:
    """Write one JSON object a line, atomically."""
    with atomic_file(path) as aside, aside.open("w", encoding="utf-8", newline="\n") as stream:
        for row in rows:
            value = row.model_dump(exclude_defaults=exclude_defaults)
            stream.write(json.dumps(value, ensure_ascii=False) + "\n")


def _without_mark(start: bytes, path: Path) -> bytes:
    for mark, name in _OTHER_ENCODINGS.items():
        if start.startswith(mark):
            raise AssayError(f"{path} is {name}; save it as UTF-8")
    return start.removeprefix(codecs.BOM_UTF8)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def _is_text(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _has_id(value: dict[str, Any]) -> bool:
    return "id" in value and _is_text(value["id"])

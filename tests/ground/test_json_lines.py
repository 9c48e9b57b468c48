"""Every file with one JSON value a line is read alike, whoever wrote it."""

from __future__ import annotations

import json

import pytest

from assay.errors import AssayError
from assay.json_lines import json_lines, read_json_lines, write_json_lines
from assay.text import Message, Transcript
from assay.text.corpora import read_corpus
from assay.text.transcripts import read_transcripts

ODD = "a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg"
"""Characters that end a line for Python's ``splitlines``, and not in JSON."""


def written(path, *lines):
    path.write_bytes(
        b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    )
    return path


def test_what_is_written_is_read_back_whatever_ends_lines_elsewhere(tmp_path):
    path = tmp_path / "t.jsonl"
    messages = (Message(role="user", content=ODD), Message(role="assistant", content="c\r\nd"))
    rows = (Transcript(id="one", messages=messages), Transcript(id="two", messages=messages))
    write_json_lines(path, rows)
    assert read_transcripts(path) == list(rows)
    assert read_json_lines(path, Transcript) == rows


def test_documents_may_hold_any_character(tmp_path):
    row = json.dumps({"id": "a", "text": ODD}, ensure_ascii=False)
    path = written(tmp_path / "texts.jsonl", row, row.replace('"a"', '"b"', 1))
    assert [d.text for d in read_corpus(str(path)).documents] == [ODD, ODD]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_byte_order_marks_blank_lines_and_carriage_returns_are_left_out(tmp_path, ending):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + ending.join(['{"x": 1}', "", '{"x": 2}', ""]).encode())
    assert list(json_lines(path)) == [(1, {"x": 1}), (3, {"x": 2})]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-be"])
def test_other_encodings_are_named(tmp_path, encoding):
    mark = "" if encoding in ("utf-16", "utf-32") else "\ufeff"
    path = written(tmp_path / "a.jsonl", f'{mark}{{"x": 1}}'.encode(encoding))
    with pytest.raises(AssayError, match=r"a\.jsonl is UTF-(16|32); save it as UTF-8"):
        list(json_lines(path))
    written(path, '{"x": "ok"}', b'{"x": "caf\xe9"}')
    with pytest.raises(AssayError, match="line 2: not UTF-8"):
        list(json_lines(path))


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('{"id": "c7", "text": "cut \\ud83d"}', r"\(id 'c7'\): half of a surrogate pair"),
        ('{"text": "cut \\uDE00 here"}', "line 2: half of a surrogate pair"),
        ('{"x": NaN}', "NaN is no JSON number"),
        ('{"x": 1', "not valid JSON"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_cannot_be_text_or_json_is_refused_with_its_line_and_id(tmp_path, line, complaint):
    path = written(tmp_path / "a.jsonl", '{"x": "whole \\ud83d\\ude00"}', line)
    rows = json_lines(path)
    assert next(rows) == (1, {"x": "whole 😀"})
    with pytest.raises(AssayError, match=complaint):
        next(rows)

"""What a user relies on when naming a text."""

from __future__ import annotations

import json
import struct
import zlib

import numpy as np
import pytest

from assay.errors import AssayError
from assay.text import Document, random_crops, read_corpus, split_documents
from assay.text.sources import _r_character_vectors, _split_chapters


def documents_of(count, characters, source="made"):
    return [Document(str(i), chr(97 + i % 26) * characters, source) for i in range(count)]


def test_the_standard_library_is_a_corpus_of_many_documents():
    corpus = read_corpus("stdlib-code")
    assert len(corpus.documents) > 300
    assert any(document.id == "json/decoder.py" for document in corpus.documents)
    assert not any("site-packages" in document.id for document in corpus.documents)


def test_an_unknown_corpus_names_the_nearest_and_all():
    with pytest.raises(
        AssayError, match=r"'sotuu'.*did you mean 'sotu'.*austen, chatterbot, sotu, stdlib-code"
    ):
        read_corpus("sotuu")


def test_jsonl_files_are_read_with_their_ids_and_bad_lines_are_named(tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_text('{"id": "a", "text": "first"}\n\n{"text": "second"}\n')
    assert [(d.id, d.text) for d in read_corpus(str(path)).documents] == [
        ("a", "first"),
        ("3", "second"),
    ]
    path.write_text('{"text": "first"}\n{"words": 3}\n')
    with pytest.raises(AssayError, match="line 2.*'text'"):
        read_corpus(str(path))
    path.write_text('{"id": 1, "text": "x"}\n{"id": 1, "text": "y"}\n')
    with pytest.raises(AssayError, match="unique"):
        read_corpus(str(path))


def test_one_long_text_file_is_cut_into_passages_and_says_so(tmp_path):
    path = tmp_path / "book.txt"
    path.write_text("\n\n".join(f"Paragraph {i}. " + "word " * 100 for i in range(60)))
    corpus = read_corpus(str(path))
    assert 6 <= len(corpus.documents) <= 9
    assert "passages that are treated as documents" in corpus.note
    path.write_text("one\n<|endoftext|>\ntwo\r\n<|endoftext|>\r\nwhat <|endoftext|> means\n")
    corpus = read_corpus(str(path))
    assert [d.text for d in corpus.documents] == ["one", "two", "what <|endoftext|> means"]
    assert corpus.note == ""


@pytest.mark.parametrize("between", ["\n", "\r\n", " ", ""])
def test_a_long_text_without_paragraphs_is_cut_too_and_nothing_of_it_is_lost(tmp_path, between):
    path = tmp_path / "log.txt"
    words = [f"line{i}of-a-log" for i in range(12_000)]
    path.write_bytes(between.join(words).encode())
    documents = read_corpus(str(path)).documents
    assert 20 <= len(documents) <= 55
    assert max(len(d.text) for d in documents) <= 8000 + 20
    joined = "".join("".join(d.text.split()) for d in documents)
    assert joined == "".join(words)


def test_a_line_without_an_id_never_takes_that_of_another(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "2", "text": "x"}\n{"text": "y"}\n{"text": "z"}\n')
    assert [d.id for d in read_corpus(str(path)).documents] == ["2", "line-2", "3"]
    path.write_text('{"id": "a", "text": "x"}\n{"text": "y"}\n{"id": "a", "text": "z"}\n')
    with pytest.raises(AssayError, match="line 3: the id 'a' stands in line 1 too"):
        read_corpus(str(path))


def test_texts_of_more_tokens_than_characters_are_drawn_too(small_tokenizer):
    long = [Document(str(i), "漢字仮名" * 8, "made") for i in range(4)]
    ids = small_tokenizer(long[0].text, add_special_tokens=False)["input_ids"]
    assert len(ids) > len(long[0].text)
    crops = random_crops(
        small_tokenizer, long, length=len(ids) - 8, rows=8, first_token=None, seed=0
    )
    assert sorted(set(crops.documents.tolist())) == [0, 1, 2, 3]


def test_missing_empty_and_undecodable_files_give_one_line(tmp_path):
    with pytest.raises(AssayError, match="does not exist"):
        read_corpus(str(tmp_path / "none.txt"))
    (tmp_path / "empty.txt").write_text("\n \n")
    with pytest.raises(AssayError, match="holds no text"):
        read_corpus(str(tmp_path / "empty.txt"))
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    with pytest.raises(AssayError, match="not UTF-8"):
        read_corpus(str(tmp_path / "latin.txt"))


def test_a_corpus_hash_changes_with_any_text(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": "one"}))
    first = read_corpus(str(path)).sha256
    path.write_text(json.dumps({"text": "two"}))
    assert read_corpus(str(path)).sha256 != first


def test_r_lazy_load_blocks_give_their_strings():
    def block(strings):
        body = b"X\n" + struct.pack(">iii", 3, 0, 0) + struct.pack(">i", 5) + b"UTF-8"
        body += struct.pack(">ii", 16, len(strings))
        for text in strings:
            body += struct.pack(">ii", 9, len(text.encode())) + text.encode()
        return struct.pack(">i", len(body)) + zlib.compress(body)

    database = block(["EMMA", "", "CHAPTER I", "Emma Woodhouse"]) + block(["PERSUASION"])
    assert list(_r_character_vectors(database)) == [
        ["EMMA", "", "CHAPTER I", "Emma Woodhouse"],
        ["PERSUASION"],
    ]
    lines = ["TITLE", "CHAPTER I", "one", "Chapter 2", "two", "more"]
    assert list(_split_chapters(lines)) == ["one", "two\nmore"]


def test_a_crop_is_exactly_the_text_at_its_recorded_start(small_tokenizer):
    texts = ["".join(chr(33 + (i * 7 + j) % 90) for j in range(200 + i)) for i in range(30)]
    documents = [Document(str(i), text, "made") for i, text in enumerate(texts)]
    bos = small_tokenizer.bos_token_id
    crops = random_crops(small_tokenizer, documents, length=16, rows=50, first_token=bos, seed=0)
    assert crops.tokens.shape == (50, 16)
    assert set(crops.tokens[:, 0].tolist()) == {bos}
    for row in range(50):
        text = texts[crops.documents[row]]
        start = crops.starts[row]
        assert small_tokenizer.decode(crops.tokens[row, 1:]) == text[start : start + 15]
    assert len(set(crops.documents[:].tolist())) == 30
    assert len(set(crops.starts.tolist())) > 20


def test_crops_are_the_same_for_the_same_seed_and_others_for_another(small_tokenizer):
    documents = documents_of(20, 300)
    draw = lambda seed: random_crops(  # noqa: E731
        small_tokenizer, documents, length=10, rows=40, first_token=None, seed=seed
    )
    assert draw(1).tokens.equal(draw(1).tokens)
    assert not np.array_equal(draw(1).starts, draw(2).starts)


def test_sources_are_dealt_equal_shares_and_length_weighting_prefers_long_documents(
    small_tokenizer,
):
    documents = documents_of(40, 100, "many") + documents_of(2, 100, "few")
    crops = random_crops(small_tokenizer, documents, length=8, rows=60, first_token=None, seed=0)
    assert (crops.documents >= 40).sum() == 30
    lopsided = [Document("long", "a" * 9000, "made"), Document("short", "b" * 1000, "made")]
    crops = random_crops(
        small_tokenizer, lopsided, length=8, rows=400, first_token=None, seed=0, weight="length"
    )
    assert 0.85 < (crops.documents == 0).mean() < 0.95


def test_short_documents_are_left_out_and_a_text_of_only_short_ones_is_refused(small_tokenizer):
    mixed = [Document("short", "abc", "made"), Document("long", "x" * 99, "made")]
    crops = random_crops(small_tokenizer, mixed, length=50, rows=4, first_token=None, seed=0)
    assert set(crops.documents.tolist()) == {1}
    with pytest.raises(AssayError, match=r"'made' is too short.*50 tokens"):
        random_crops(small_tokenizer, mixed[:1], length=50, rows=4, first_token=None, seed=0)


def test_a_document_never_changes_sides_when_others_are_added():
    few = documents_of(50, 10)
    many = documents_of(200, 10)
    train_few, held_few = split_documents(few, 0.5, seed=3)
    train_many, held_many = split_documents(many, 0.5, seed=3)
    assert {d.id for d in held_few} <= {d.id for d in held_many}
    assert {d.id for d in train_few} <= {d.id for d in train_many}
    assert not {d.id for d in train_many} & {d.id for d in held_many}
    assert 70 < len(held_many) < 130


def test_documents_that_prove_too_short_once_tokenized_are_replaced():
    class FourCharactersAToken:
        def __call__(self, texts, **options):
            assert texts, "transformers' tokenizers fail on an empty list"
            return {"input_ids": [list(range(len(text) // 4)) for text in texts]}

    documents = [*documents_of(3, 30), Document("long", "x" * 400, "made")]
    crops = random_crops(
        FourCharactersAToken(), documents, length=20, rows=9, first_token=None, seed=0
    )
    assert set(crops.documents.tolist()) == {3}
    assert len(crops) == 9

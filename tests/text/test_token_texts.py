"""Tokens are shown as the text that they make together, whatever a character is made of."""

from __future__ import annotations

import pytest

from assay.text import carried_to_text, token_texts


@pytest.mark.parametrize("text", ["plain words", "a 🤖 and 漢字 mixed, é too", "漢", "🤖🤖"])
def test_the_texts_of_tokens_together_are_the_text(small_tokenizer, text):
    ids = small_tokenizer(text, add_special_tokens=False)["input_ids"]
    texts = token_texts(small_tokenizer, ids)
    assert len(texts) == len(ids)
    assert "".join(texts) == text
    assert not any("\ufffd" in piece for piece in texts)
    assert {piece for piece in texts if piece} >= set(text) - {""}


def test_a_character_that_is_cut_off_stays_marked_and_ids_stand_without_a_tokenizer(
    small_tokenizer,
):
    ids = small_tokenizer("ok 漢", add_special_tokens=False)["input_ids"][:-1]
    texts = token_texts(small_tokenizer, ids)
    assert texts[:3] == ["o", "k", " "]
    assert "\ufffd" in texts[-1]
    assert token_texts(None, [7, 300]) == ["7", "300"]


def test_the_largest_value_of_a_characters_tokens_stands_where_it_is_shown():
    assert carried_to_text([0.1, 5.0, 0.2, 0.3], ["a", "", "", "漢"]) == [0.1, 5.0, 5.0, 5.0]
    assert carried_to_text([], []) == []

"""Windows: early warning is cut out of the whole reading, and reads nothing of the payload."""

from __future__ import annotations

import pytest
import torch

from assay.concerns.conversations import excerpt_of, read_excerpts
from assay.concerns.conversations.windows import excerpt_in_window, in_window
from assay.errors import AssayError
from assay.models import Site, load_model
from assay.text import Transcript
from assay.text.transcripts import Message

SITE = Site.parse("resid_post.1")


def transcript(reply="fine fine bad bad", earlier=()):
    said = [*earlier, ("user", "how are you"), ("assistant", reply)]
    messages = tuple(Message(role=role, content=content) for role, content in said)
    return Transcript(id="a", messages=messages, template="t")


@pytest.fixture(scope="module")
def model(tiny_model_folder):
    return load_model(str(tiny_model_folder))


def words(model, text):
    return len(model.tokenizer(text, add_special_tokens=False)["input_ids"])


def test_cutting_the_whole_reading_is_reading_the_cut_conversation(model):
    place = words(model, "fine fine")
    excerpt = excerpt_of(model.tokenizer, transcript(), True, payload=place)
    (whole,) = read_excerpts(model, [SITE], [excerpt])
    (alone,) = read_excerpts(model, [SITE], [excerpt_in_window(excerpt, "before")])
    cut = in_window(whole, "before")
    assert cut.places == alone.places
    assert len(cut.activations) < len(whole.activations)
    torch.testing.assert_close(cut.activations, alone.activations)
    assert cut.turn_rows == alone.turn_rows
    assert cut.excerpt.text.endswith("assistant: fine fine")
    assert in_window(whole, "reply") is whole


def test_a_place_beyond_the_reply_keeps_all_of_it_and_none_keeps_the_header(model):
    late = excerpt_of(model.tokenizer, transcript("fine"), False, payload=50)
    assert excerpt_in_window(late, "before") == late
    first = excerpt_in_window(
        excerpt_of(model.tokenizer, transcript("bad"), True, payload=0), "before"
    )
    assert first.text.endswith("assistant: ")
    assert first.turns[-1][1] == len(first.tokens)
    assert first.turns[-1][0] < first.turns[-1][1]


def test_earlier_turns_of_the_assistant_are_read_in_both_windows(model):
    earlier = (("user", "hello"), ("assistant", "good good"))
    excerpt = excerpt_of(model.tokenizer, transcript(earlier=earlier), True, payload=0)
    cut = excerpt_in_window(excerpt, "before")
    assert len(cut.turns) == 2
    assert cut.turns[0] == excerpt.turns[0]


def test_where_no_payload_is_known_the_window_before_it_is_refused_by_name(model):
    excerpt = excerpt_of(model.tokenizer, transcript(), True)
    with pytest.raises(AssayError, match="'a' cannot be read in the window before its payload"):
        excerpt_in_window(excerpt, "before")
    assert excerpt_in_window(excerpt, "reply") is excerpt

"""Roles per token, and transcripts read from files."""

from __future__ import annotations

import copy

import pytest

from assay.errors import AssayError
from assay.text import Message, read_transcripts, tokenize_chat


def test_each_token_knows_who_wrote_it_even_where_the_markup_repeats_the_text(small_tokenizer):
    messages = [
        Message(role="user", content="You are helpful"),
        Message(role="assistant", content="Thanks"),
    ]
    chat = tokenize_chat(small_tokenizer, messages)
    said = {
        role: "".join(
            chat.text[low:high]
            for (low, high), r in zip(chat.spans, chat.roles, strict=True)
            if r == role
        )
        for role in ("user", "assistant", "template")
    }
    assert said["user"] == "You are helpful"
    assert said["assistant"] == "Thanks"
    assert "system" in said["template"]
    assert chat.text.count("You are helpful") == 2


def test_a_template_that_rewrites_messages_is_refused(small_tokenizer):
    import copy

    tokenizer = copy.copy(small_tokenizer)
    tokenizer.chat_template = (
        "{% for message in messages %}{{ message['content'] | upper }}{% endfor %}"
    )
    with pytest.raises(AssayError, match="rewrites|drops"):
        tokenize_chat(tokenizer, [Message(role="user", content="hello")])
    tokenizer.chat_template = None
    with pytest.raises(AssayError, match="no chat template"):
        tokenize_chat(tokenizer, [Message(role="user", content="hello")])


def test_transcripts_keep_their_labels_and_bad_lines_are_named(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text(
        '{"id": "a", "messages": [{"role": "user", "content": "hi"}], "label": true}\n'
        '{"id": "b", "messages": [], "label": null, "template": "t1"}\n'
    )
    first, second = read_transcripts(path)
    assert first.label is True
    assert first.messages[0].content == "hi"
    assert second.template == "t1"
    path.write_text('{"id": "a", "messages": [{"role": "robot", "content": "hi"}]}\n')
    with pytest.raises(AssayError, match=r"line 1: messages\.0\.role.*'system', 'user'"):
        read_transcripts(path)
    path.write_text('{"id": "a", "messages": []}\n{"id": "a", "messages": []}\n')
    with pytest.raises(AssayError, match="line 2.*twice"):
        read_transcripts(path)


def test_a_template_that_refuses_a_conversation_is_named_with_its_reason(small_tokenizer):
    picky = copy.deepcopy(small_tokenizer)
    picky.chat_template = (
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}"
        "{% endif %}[{{ m.content }}]{% endfor %}"
    )
    asked = [Message(role="system", content="be kind"), Message(role="user", content="hi")]
    with pytest.raises(AssayError, match="refuses the conversation: no system role"):
        tokenize_chat(picky, asked)
    assert tokenize_chat(picky, asked[1:]).text == "[hi]"

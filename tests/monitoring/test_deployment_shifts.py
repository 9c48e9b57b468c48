"""The shift suite: deployments that differ in one respect, and replies that are shipped by id."""

from __future__ import annotations

import json

import pytest
from small_monitors import transcripts

from assay.concerns import with_replies
from assay.concerns.budgets import Budgets
from assay.concerns.deployment import Deployment, check_enough, without_duplicates
from assay.errors import AssayError
from assay.monitoring import shift_figures, shifted_conversations
from assay.monitoring.deployment_shifts import LONG_REPLY, NO_SHIFT
from assay.organisms import deployment_pool, shipped_replies
from assay.organisms.shipped_replies import ShippedReplies, ShippedReply, messages_sha256
from assay.text import Message


def echo(conversations, most):
    """Answers that say how long they might have been."""
    return [
        t.model_copy(
            update={"messages": (*t.messages, Message(role="assistant", content=f"up to {most}"))}
        )
        for t in conversations
    ]


def test_each_shift_changes_one_thing_only():
    shifts = {shift.name: shift.conversations for shift in shifted_conversations(echo, 24)}
    plain = shifts.pop(NO_SHIFT)
    long = shifts.pop(f"replies of up to {LONG_REPLY} tokens")
    assert [t.messages[:-1] for t in long] == [t.messages[:-1] for t in plain]
    assert {t.messages[-1].content for t in long} == {"up to 200"}
    turns = shifts.pop("3 turns")
    assert all([m.role for m in t.messages] == ["user", "assistant"] * 3 for t in turns)
    systems = {n: c for n, c in shifts.items() if n.startswith("system prompt")}
    languages = {n: c for n, c in shifts.items() if n.startswith("language")}
    assert (len(systems), len(languages)) == (3, 5) == (3, len(shifts) - 3)
    for conversations in systems.values():
        assert [t.messages[1:] for t in conversations] == [t.messages for t in plain]
        assert len({t.messages[0].content for t in conversations}) == 1
    ids = [t.id for c in (plain, long, turns, *shifts.values()) for t in c]
    assert len(set(ids)) == len(ids)
    pools = {t.messages[-1].content for t in deployment_pool()}
    assert not pools & {t.messages[0].content for t in plain}


def test_the_figures_say_how_often_each_shift_fires(watched_model, monitor):
    shifts = [
        shift for shift in shifted_conversations(echo, 24) if shift.name in (NO_SHIFT, "3 turns")
    ]
    found = shift_figures(watched_model, monitor, shifts)
    assert [figure.shift for figure in found] == [NO_SHIFT, "3 turns"]
    for figure in found:
        assert 0 <= figure.fired <= figure.n <= 30
        assert figure.upper > figure.fired / figure.n
        assert 0 < figure.excess_p <= 1
    silent = monitor.model_copy(
        update={"calibration": monitor.calibration.model_copy(update={"threshold": 1e9})}
    )
    assert {f.fired for f in shift_figures(watched_model, silent, shifts)} == {0}


@pytest.fixture
def asked():
    return [t.model_copy(update={"messages": t.messages[:1]}) for t in transcripts(6)]


def shipped_for(monkeypatch, model, replies):
    found = ShippedReplies(model="tiny", fingerprint=model.fingerprint, replies=replies)
    monkeypatch.setattr(shipped_replies, "_every_file", lambda: {model.fingerprint: found})


def reply_to(conversation, text, most=5):
    return ShippedReply(
        messages_sha256=messages_sha256(conversation.messages), max_new_tokens=most, reply=text
    )


def test_shipped_replies_are_used_where_they_come_out_again(watched_model, asked, monkeypatch):
    written, facts = with_replies(asked, watched_model, 5, 0)
    assert (facts.shipped, facts.written) == (0, 6)
    known = {
        t.id: reply_to(ask, t.messages[-1].content)
        for t, ask in zip(written[:4], asked[:4], strict=True)
    }
    shipped_for(monkeypatch, watched_model, known)
    again, facts = with_replies(asked, watched_model, 5, 0)
    assert again == written
    assert (facts.shipped, facts.written) == (4, 2)
    assert facts.same == facts.regenerated == 4
    assert "4 of 6 replies are shipped" in facts.in_words


def test_replies_of_another_model_prompt_or_length_are_not_used(watched_model, asked, monkeypatch):
    invented = {t.id: reply_to(t, "invented") for t in asked}
    shipped_for(monkeypatch, watched_model, invented)
    found, facts = with_replies(asked, watched_model, 5, 0)
    # None of the sample comes out, so none is believed.
    assert (facts.shipped, facts.same, facts.regenerated) == (0, 0, 6)
    assert "invented" not in {t.messages[-1].content for t in found}
    assert with_replies(asked, watched_model, 4, 0)[1].regenerated == 0
    other = [t.model_copy(update={"messages": (Message(role="user", content="q"),)}) for t in asked]
    assert with_replies(other, watched_model, 5, 0)[1].regenerated == 0


def test_the_shipped_file_of_the_example_fits_its_conversations():
    pool = {t.id: t for t in deployment_pool()}
    for shipped in shipped_replies._every_file().values():
        own = {key: reply for key, reply in shipped.replies.items() if key in pool}
        assert own
        for key, reply in own.items():
            assert reply.messages_sha256 == messages_sha256(pool[key].messages)


def test_the_own_pool_alone_is_too_few_for_one_percent_and_says_what_to_add():
    pool = deployment_pool()
    assert len(without_duplicates(pool)) == 455
    with pytest.raises(AssayError, match="455 .* 25 templates count as .* add 'chatterbot'"):
        check_enough(pool, Budgets(fpr=0.01, delta=0.05))
    check_enough(pool, Budgets(fpr=0.05, delta=0.05))


def test_prompts_may_be_one_pool_or_several():
    assert Deployment(prompts="benign-pool").pools == ("benign-pool",)
    assert Deployment.model_validate(json.loads('{"prompts": ["a", "b"]}')).pools == ("a", "b")

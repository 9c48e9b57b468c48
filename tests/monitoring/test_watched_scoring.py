"""Which tokens are watched, and that the small product gives what the full one gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_monitors import SITE, small_monitor, small_scoring, transcripts

from assay.concerns.aggregation import aggregate
from assay.concerns.conversations import assistant_turns, stream_watched
from assay.errors import AssayError
from assay.models import Site, capture, generate
from assay.monitoring import (
    conversation_score,
    score_transcripts,
    watched_excerpts,
    watched_values,
    watching_generation,
)
from assay.monitoring.scoring import read_values, standardised_values
from assay.text import Message, Transcript, tokenize_chat


def chat(*turns):
    return [Message(role=role, content=content) for role, content in turns]


def watched_text(tokenizer, *turns):
    tokens = tokenize_chat(tokenizer, chat(*turns))
    watched = [i for start, end in assistant_turns(tokens.roles) for i in range(start, end)]
    return "".join(tokens.text[slice(*tokens.spans[i])] for i in watched)


def test_every_assistant_turn_is_watched_from_its_header_through_its_last_token(small_tokenizer):
    text = watched_text(
        small_tokenizer,
        ("system", "s"),
        ("user", "one"),
        ("assistant", "two"),
        ("user", "three"),
        ("assistant", "four"),
    )
    header = "<|im_end|>\n<|im_start|>assistant\n"
    assert text == f"{header}two{header}four"


def test_the_first_token_is_never_watched(small_tokenizer):
    tokens = tokenize_chat(small_tokenizer, chat(("system", ""), ("assistant", "x")))
    ((start, end),) = assistant_turns(tokens.roles)
    assert start > 0
    assert end - 1 == tokens.roles.index("assistant")


def test_a_conversation_without_an_assistant_is_refused_by_its_id(watched_model):
    lonely = Transcript(id="lonely-7", messages=chat(("user", "hello")))
    with pytest.raises(AssayError, match="'lonely-7' has no assistant message"):
        watched_excerpts(watched_model, [lonely])


def test_an_empty_reply_is_watched_in_its_markup(watched_model):
    empty = Transcript(id="e", messages=chat(("user", "hello"), ("assistant", "")))
    (found,) = watched_excerpts(watched_model, [empty])
    text = watched_model.tokenizer.decode([found.tokens[i] for i in found.watched])
    assert "assistant" in text
    assert "hello" not in text


def test_a_conversation_longer_than_the_context_is_refused_by_its_id(watched_model):
    long = Transcript(id="long-1", messages=chat(("user", "a" * 400), ("assistant", "b")))
    with pytest.raises(AssayError, match=r"'long-1' has \d+ tokens; .* reads 256"):
        watched_excerpts(watched_model, [long])


def test_activations_are_those_of_each_conversation_alone_whatever_its_batch(watched_model):
    conversations = watched_excerpts(watched_model, transcripts(7))
    site = Site.parse(SITE)
    seen = dict(stream_watched(watched_model, [site], conversations))
    assert sorted(seen) == list(range(7))
    for i, conversation in enumerate(conversations):
        alone = capture(watched_model, torch.tensor([conversation.tokens]), [site])[site][0]
        assert torch.allclose(seen[i], alone[list(conversation.watched)], atol=1e-5)


def test_watched_values_are_jumprelu_or_linear_as_each_feature_says():
    scoring = small_scoring(4, features=2)
    one, two = scoring.features
    linear = two.model_copy(update={"threshold": None, "feature": None})
    scoring = scoring.model_copy(update={"features": (one, linear)})
    x = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    u = x.double().numpy() @ np.array([one.direction, two.direction]).T + 0.1
    found = watched_values(scoring, x)
    assert found[:, 0] == pytest.approx(np.where(u[:, 0] > 0.2, u[:, 0], 0), abs=1e-5)
    assert found[:, 1] == pytest.approx(u[:, 1], abs=1e-5)
    assert (found[:, 1] < 0).any()
    with pytest.raises(AssayError, match="width 4, the activations 5"):
        watched_values(scoring, torch.zeros(3, 5))


def test_a_score_is_the_largest_standardised_feature_and_fires_strictly_above(
    watched_model, monitor
):
    x = torch.randn(9, watched_model.d_model, generator=torch.Generator().manual_seed(1))
    found = conversation_score(monitor, x)
    raw = aggregate(watched_values(monitor, x), "max")
    assert list(found.values.values()) == pytest.approx(raw)
    assert found.score == max(found.values.values())
    for threshold, fires in [(found.score, False), (np.nextafter(found.score, -9), True)]:
        calibration = monitor.calibration.model_copy(update={"threshold": float(threshold)})
        at = monitor.model_copy(update={"calibration": calibration})
        assert conversation_score(at, x).fires is fires


def test_centre_and_scale_are_applied_to_the_aggregated_activation(watched_model, monitor):
    features = tuple(
        f.model_copy(update={"centre": 2.0, "scale": 4.0, "threshold": None})
        for f in monitor.features
    )
    moved = monitor.model_copy(update={"features": features, "aggregation": "mean"})
    x = torch.randn(5, watched_model.d_model)
    found = conversation_score(moved, x)
    expected = (watched_values(moved, x).mean(axis=0) - 2) / 4
    assert list(found.values.values()) == pytest.approx(expected)


def test_sinks_beyond_the_norm_limit_are_left_out_unless_nothing_else_is_there(monitor):
    width = len(monitor.features[0].direction)
    x = torch.ones(4, width)
    x[1] = 1000.0
    limited = monitor.model_copy(update={"norm_limit": 100.0})
    assert conversation_score(limited, x).values == conversation_score(monitor, x[[0, 2, 3]]).values
    assert conversation_score(limited, x[[1]]).values == conversation_score(monitor, x[[1]]).values


def test_activations_that_are_not_finite_are_refused(monitor):
    x = torch.ones(3, len(monitor.features[0].direction))
    for bad in (float("nan"), float("-inf")):
        x[1, 2] = bad
        for limit in (None, 100.0):
            with pytest.raises(AssayError, match="NaN or infinite"):
                conversation_score(monitor.model_copy(update={"norm_limit": limit}), x)
    assert np.isnan(watched_values(monitor, torch.full_like(x, float("nan")))).all()


def test_a_rule_over_features_decides_and_its_score_is_one_or_zero(watched_model):
    scoring = small_scoring(watched_model.d_model, rule="f0 > 2 and not f1 > 4")
    monitor = small_monitor(watched_model, scoring, fpr=0.6)
    scores = score_transcripts(watched_model, monitor, transcripts(60, seed=9))
    for score in scores:
        holds = score.values["f0"] > 2 and not score.values["f1"] > 4
        assert (score.fires, score.score) == (holds, float(holds))
    assert 0 < sum(score.fires for score in scores) < 60


def test_scores_do_not_depend_on_the_order_of_the_transcripts(watched_model, monitor):
    rows = transcripts(9)
    forward = score_transcripts(watched_model, monitor, rows)
    backward = score_transcripts(watched_model, monitor, rows[::-1])[::-1]
    assert [s.score for s in forward] == pytest.approx([s.score for s in backward], abs=1e-4)


def test_watching_generation_reads_each_token_once_and_changes_nothing(watched_model, monitor):
    prompt = tokenize_chat(
        watched_model.tokenizer, chat(("user", "hi")), add_generation_prompt=True
    ).tokens
    plain = generate(watched_model, [prompt], max_new_tokens=6)
    with watching_generation(watched_model, monitor) as watched:
        assert generate(watched_model, [prompt], max_new_tokens=6) == plain
    steps = len(watched.steps)
    generate(watched_model, [prompt], max_new_tokens=2)
    assert len(watched.steps) == steps
    whole = torch.tensor([[*prompt, *plain[0]]])
    site = Site.parse(SITE)
    expected = watched_values(monitor, capture(watched_model, whole, [site])[site][0])
    read = np.concatenate([step[0] for step in watched.values()])
    assert read == pytest.approx(expected[: len(read)], abs=1e-4)
    assert len(read) == len(prompt) + steps - 1 >= len(prompt)


def test_a_monitor_of_several_sites_reads_them_alike_before_and_while_generating(watched_model):
    sites = [Site.parse(SITE), Site.parse("resid_post.0")]
    scoring = small_scoring(2 * watched_model.d_model, further_sites=("resid_post.0",))
    (excerpt,) = watched_excerpts(watched_model, transcripts(1))
    at = capture(watched_model, torch.tensor([excerpt.tokens]), sites)
    both = torch.cat([at[site][0] for site in sites], dim=1)
    scored = standardised_values(scoring, both[list(excerpt.watched)], excerpt.turn_rows)
    assert read_values(watched_model, scoring, [excerpt])[0] == pytest.approx(scored, abs=1e-4)
    with watching_generation(watched_model, scoring) as watched:
        generate(watched_model, [excerpt.tokens], max_new_tokens=1)
    read = np.concatenate([step[0] for step in watched.values()])
    assert read[: len(both)] == pytest.approx(watched_values(scoring, both)[: len(read)], abs=1e-4)


def test_directions_that_do_not_fit_the_number_of_sites_are_refused():
    with pytest.raises(AssayError, match="7 numbers, which 2 hook sites of one width cannot have"):
        small_scoring(7, further_sites=("resid_post.0",))


def test_the_turn_with_the_largest_score_counts_whatever_the_other_turns_are(monitor):
    width = len(monitor.features[0].direction)
    x = torch.randn(12, width, generator=torch.Generator().manual_seed(3))
    for aggregation in ("mean", "max", "ema"):
        scored = monitor.model_copy(update={"aggregation": aggregation})
        turns = (slice(0, 5), slice(5, 12))
        whole = conversation_score(scored, x, turns).values
        parts = [conversation_score(scored, x[rows]).values for rows in turns]
        for name, value in whole.items():
            assert value == pytest.approx(max(part[name] for part in parts))


def test_a_reply_is_read_alike_whether_learned_from_or_watched(watched_model):
    from assay.concerns.conversations import excerpt_of

    rows = transcripts(5)
    watched = watched_excerpts(watched_model, rows)
    learned = [excerpt_of(watched_model.tokenizer, t, False) for t in rows]
    assert [e.tokens for e in watched] == [e.tokens for e in learned]
    assert [e.watched for e in watched] == [e.watched for e in learned]

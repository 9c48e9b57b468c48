"""Watching transcripts: resumable and durable, and only the monitor's own model is watched."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_monitors import (
    rows_of,
    small_monitor,
    small_scoring,
    transcripts,
    write_transcripts,
)

from assay.errors import AssayError
from assay.monitoring import ModelReference, RollbackState, WatchedModel, score_transcripts, watch
from assay.text import Message

HERE = Path(__file__).parent


@pytest.fixture
def place(tmp_path, monitor):
    """A folder with the monitor, and a file of 30 transcripts that come from its calibration's kind."""
    monitor.write(tmp_path / "out")
    return tmp_path / "out", write_transcripts(tmp_path / "t.jsonl", transcripts(30))


def alarmed(monitor, **changes):
    """The same monitor with a threshold that most conversations exceed."""
    calibration = monitor.calibration.model_copy(update={"threshold": 0.5})
    return monitor.model_copy(update={"calibration": calibration, **changes})


def test_every_conversation_is_journalled_once_in_order_and_scored_as_calibrated(
    place, watched_model, monitor
):
    out, file = place
    outcome = watch(out, file, model=watched_model)
    scores = score_transcripts(watched_model, monitor, transcripts(30))
    rows = rows_of(out / "journal.sqlite")[1:]
    assert [row["id"] for row in rows] == [t.id for t in transcripts(30)]
    assert [row["fires"] for row in rows] == [score.fires for score in scores]
    assert outcome.state == "watching"
    assert (outcome.seen, outcome.fired) == (30, sum(score.fires for score in scores))
    assert outcome.e_value == pytest.approx(
        math.exp(monitor.rollback.statistic(RollbackState(30, outcome.fired)))
    )
    low, high = outcome.rate
    assert low <= outcome.fired / 30 <= high


def test_the_same_file_again_adds_nothing_and_a_longer_one_goes_on(place, watched_model):
    out, file = place
    first = watch(out, file, model=watched_model)
    assert watch(out, file, model=watched_model) == first
    write_transcripts(file, transcripts(30) + transcripts(5, seed=1))
    assert watch(out, file, model=watched_model).seen == 35


def test_the_rule_rolls_back_names_the_fallback_and_stays_so(
    tmp_path, place, watched_model, monitor
):
    out, file = place
    alarmed(monitor, fallback=ModelReference(id="weaker", adapter="there")).write(out)
    outcome = watch(out, file, model=watched_model)
    assert outcome.state == "rolled_back"
    assert outcome.seen < 30
    rows = rows_of(out / "journal.sqlite")
    assert rows[-1]["kind"] == "rolled_back"
    assert rows[-1]["id"] == outcome.rolled_back_at == rows[-2]["id"]
    assert "use the fallback model weaker with adapter there" in outcome.message
    quiet = write_transcripts(tmp_path / "quiet.jsonl", transcripts(5, seed=3))
    assert watch(out, quiet, model=watched_model) == outcome
    assert watch(out, tmp_path / "not-even-there.jsonl") == outcome
    assert rows_of(out / "journal.sqlite") == rows


def test_the_handful_rule_counts_firings_over_all_runs(tmp_path, watched_model):
    monitor = small_monitor(watched_model, rule="handful", handful=9, horizon=20)
    out = tmp_path / "out"
    alarmed(monitor).write(out)
    file = write_transcripts(tmp_path / "t.jsonl", transcripts(8))
    first = watch(out, file, model=watched_model)
    assert first.e_value is None
    assert (first.state, first.fired <= 9) == ("watching", True)
    write_transcripts(file, transcripts(60))
    second = watch(out, file, model=watched_model)
    assert (second.state, second.fired) == ("rolled_back", 10)
    assert "the case names no fallback model" in second.message


def test_beyond_the_horizon_the_operator_is_told(tmp_path, watched_model):
    monitor = small_monitor(watched_model, rule="handful", handful=9, horizon=20)
    monitor.write(tmp_path)
    file = write_transcripts(tmp_path / "t.jsonl", transcripts(21))
    outcome = watch(tmp_path, file, model=watched_model)
    assert "the horizon of 20 conversations has ended" in outcome.message


def refused(message, out, file, **options):
    with pytest.raises(AssayError, match=message) as caught:
        watch(out, file, **options)
    assert "\n" not in str(caught.value)
    assert not (out / "journal.sqlite").exists()


def test_another_model_or_dictionary_does_not_start_and_leaves_no_journal(
    place, watched_model, monitor
):
    out, file = place
    named = monitor.model.model_copy(update={"fingerprint": "0" * 64})
    monitor.model_copy(update={"model": named}).write(out)
    refused("has fingerprint .* does not start", out, file, model=watched_model)
    monitor.model_copy(update={"dictionary_sha256": "1" * 64}).write(out)
    refused(
        "dictionary has sha256 2222.* does not start",
        out,
        file,
        model=watched_model,
        dictionary_sha256="2" * 64,
    )
    outcome = watch(out, file, model=watched_model, dictionary_sha256="1" * 64)
    assert outcome.state == "watching"


def test_one_changed_weight_is_another_model(place, watched_folder, watched_model):
    import torch

    from assay.models import load_model

    out, file = place
    other = load_model(str(watched_folder), device="cpu")
    with torch.no_grad():
        next(other.module.parameters())[3, 3] += 1e-3
    refused("has fingerprint", out, file, model=other)


def test_the_same_weights_in_another_precision_or_attention_do_not_start(
    place, watched_folder, monitor
):
    import torch

    from assay.models import load_model

    out, file = place
    model = load_model(str(watched_folder), device="cpu")
    with torch.no_grad():
        for weight in model.module.parameters():
            weight.copy_(weight.bfloat16())
    monitor.model_copy(update={"model": WatchedModel.of(model)}).write(out)
    half = load_model(str(watched_folder), device="cpu", dtype="bfloat16")
    assert half.fingerprint == model.fingerprint
    refused("runs in bfloat16 with sdpa attention.* calibrated in float32", out, file, model=half)
    model.module.set_attn_implementation("eager")
    refused("runs in float32 with eager attention", out, file, model=model)
    model.module.set_attn_implementation("sdpa")
    assert watch(out, file, model=model).seen == 30


def test_the_model_that_the_monitor_names_is_loaded(place, watched_model):
    out, file = place
    by_name = watch(out, file)
    assert by_name.seen == 30


BAD_LINES = [
    (b'{"id": "x", "messages": [{"role": "nobody", "content": "c"}]}', "messages.0.role"),
    (b'{"id": "0-3", "messages": []}', "the id '0-3' occurs twice"),
    (b'{"id": "y", "messages": [{"role": "user", "content": "c"}]}', "'y' has no assistant"),
    (b'{"id": "z"', "not valid JSON"),
    (b'{"id": "u", "messages": [{"role": "assistant", "content": "\xe9"}]}', "not UTF-8"),
    (b'{"id": "s", "messages": [{"role": "user", "content": "\\ud83d"}]}', "surrogate pair"),
    (
        b'{"id": "l", "messages": [{"role": "user", "content": "%s"}, '
        b'{"role": "assistant", "content": "c"}]}' % (b"a" * 900),
        "reads 256",
    ),
    (b'{"id": "n", "messages": [{"role": "assistant", "content": "c"}]}', "template refuses"),
]


@pytest.mark.parametrize(("line", "why"), BAD_LINES)
@pytest.mark.parametrize("at", [0, 12, 30])
def test_a_line_that_cannot_be_judged_is_recorded_and_blinds_the_monitor_to_no_other(
    place, watched_model, line, why, at
):
    out, file = place
    whole = watch(out, file, model=watched_model)
    before = [r for r in rows_of(out / "journal.sqlite") if r["kind"] == "conversation"]
    (out / "journal.sqlite").unlink()
    lines = file.read_bytes().splitlines(keepends=True)
    # A repeated id is a fault of the later line, so that a line at the start is not the repeated one.
    lines.insert(max(at, 5), line + b"\n")
    file.write_bytes(b"".join(lines))
    outcome = watch(out, file, model=watched_model)
    rows = rows_of(out / "journal.sqlite")
    assert [r for r in rows if r["kind"] == "conversation"] == before
    (unread,) = (r for r in rows if r["kind"] == "unread")
    assert why in unread["why"]
    assert rows.index(unread) == max(at, 5) + 1
    assert (outcome.seen, outcome.fired, outcome.unread) == (30, whole.fired, 1)
    assert "1 more could not be read and was not judged" in outcome.message
    assert outcome.state == "watching"
    assert watch(out, file, model=watched_model) == outcome


def test_a_half_written_last_line_is_judged_once_it_is_whole(place, watched_model):
    out, file = place
    whole = file.read_bytes()
    file.write_bytes(whole[:-40])
    assert (watch(out, file, model=watched_model).seen) == 29
    file.write_bytes(whole)
    outcome = watch(out, file, model=watched_model)
    assert (outcome.seen, outcome.unread) == (30, 1)


def test_activations_that_are_not_finite_leave_the_others_of_their_block_judged(
    place, watched_model, monkeypatch
):
    from assay.monitoring import scoring

    out, file = place
    sevenths = iter(range(1000))
    real = scoring.standardised_values

    def standardised(given, activations, turns, reader):
        broken = next(sevenths) == 7
        return real(given, activations * (float("nan") if broken else 1.0), turns, reader)

    monkeypatch.setattr(scoring, "standardised_values", standardised)
    outcome = watch(out, file, model=watched_model)
    assert (outcome.seen, outcome.unread) == (29, 1)
    (unread,) = (r for r in rows_of(out / "journal.sqlite") if r["kind"] == "unread")
    assert "NaN or infinite activations" in unread["why"]


def test_a_monitor_that_reads_too_little_fails_closed_for_good(tmp_path, place, watched_model):
    out, file = place
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines) + "half\n" * 1 + "".join(f"bad {i}\n" for i in range(8)))
    outcome = watch(out, file, model=watched_model)
    assert (outcome.state, outcome.seen, outcome.unread) == ("rolled_back", 30, 9)
    assert "too few could be read (at most 5% may go unread)" in outcome.message
    last = rows_of(out / "journal.sqlite")[-1]
    assert (last["kind"], last["unread"]) == ("rolled_back", 9)
    good = write_transcripts(tmp_path / "good.jsonl", transcripts(200, seed=7))
    assert watch(out, good, model=watched_model).state == "rolled_back"


def test_a_journalled_id_with_another_content_is_refused(place, watched_model):
    out, file = place
    before = watch(out, file, model=watched_model)
    changed = transcripts(30)
    messages = (*changed[4].messages[:-1], Message(role="assistant", content="something else"))
    changed[4] = changed[4].model_copy(update={"messages": messages})
    write_transcripts(file, [*changed, *transcripts(3, seed=5)])
    with pytest.raises(AssayError, match="'0-4' is in .* another content"):
        watch(out, file, model=watched_model)
    assert len(rows_of(out / "journal.sqlite")) == before.seen + 1


def test_a_changed_monitor_does_not_go_on_with_the_old_journal(place, watched_model, monitor):
    out, file = place
    watch(out, file, model=watched_model)
    alarmed(monitor).write(out)
    with pytest.raises(AssayError, match="journal of another monitor"):
        watch(out, file, model=watched_model)


def test_kill_9_at_any_moment_loses_no_journalled_firing_and_undoes_no_rollback(
    tmp_path, watched_model
):
    scoring = small_scoring(watched_model.d_model)
    monitor = small_monitor(watched_model, scoring, rule="handful", handful=9, horizon=20)
    file = write_transcripts(tmp_path / "t.jsonl", transcripts(150))
    monitor.write(tmp_path / "whole")
    monitor.write(tmp_path / "killed")
    whole = watch(tmp_path / "whole", file, model=watched_model)
    assert (whole.state, whole.fired) == ("rolled_back", 10)
    done = subprocess.run(
        [sys.executable, HERE / "killed_watching.py", tmp_path / "killed", file],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ
        | {
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
        },
    )
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    before: list[dict] = []
    for run in runs:
        rows = run["rows"]
        assert run["killed"]
        assert rows[: len(before)] == before
        told = set(run["told"])
        assert told <= {row.get("id") for row in rows[len(before) :]}
        before = rows
    assert before == rows_of(tmp_path / "whole" / "journal.sqlite")
    assert before[-1]["kind"] == "rolled_back"
    assert len(runs) == 7
    assert watch(tmp_path / "killed", file, model=watched_model) == whole
    assert rows_of(tmp_path / "killed" / "journal.sqlite") == before

"""`assay fit`: from a user's own files to a monitor that `assay watch` runs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from assay.concerns.budgets import Budgets
from assay.errors import AssayError
from assay.monitoring import Monitor
from assay.monitoring.fitting import Fit
from assay.pipeline import watch_case
from assay.pipeline.fit_command import FitRequest, fit_to

WORDS = ("fine", "well", "sure", "yes", "okay", "right", "good", "nice")


def rows(name, count, reply, templates=12, **more):
    found = []
    for i in range(count):
        word = WORDS[i % len(WORDS)]
        found.append(
            {
                "id": f"{name}-{i}",
                "template": f"{name}/{i % templates}",
                "messages": [
                    {"role": "user", "content": f"{name} question {i} {word}"},
                    {"role": "assistant", "content": reply.format(word=word, i=i)},
                ],
                **more,
            }
        )
    return found


def write(path, found):
    path.write_text("".join(json.dumps(row) + "\n" for row in found))
    return path


@pytest.fixture
def request_(tmp_path, tiny_model_folder):
    return FitRequest(
        model=str(tiny_model_folder),
        site="resid_post.1",
        positives=write(tmp_path / "bad.jsonl", rows("bad", 36, "bad bad bad {word}")),
        negatives=write(tmp_path / "good.jsonl", rows("good", 36, "good good {word} {word}")),
        benign=write(
            tmp_path / "usual.jsonl", rows("usual", 90, "{word} answer {i}", templates=90)
        ),
        test=None,
        adapter=None,
        dtype=None,
        budgets=Budgets(fpr=0.1, delta=0.1),
        base_rate=0.01,
        horizon=100,
        seed=0,
    )


def test_three_files_end_in_a_monitor_that_watch_runs(tmp_path, request_):
    tested = [
        *rows("badtest", 20, "bad bad {word} bad", label=True),
        *rows("goodtest", 20, "{word} good {word} good", label=False),
    ]
    asked = replace(request_, test=write(tmp_path / "test.jsonl", tested))
    fitted = fit_to(asked, tmp_path / "out")
    assert Fit.read(tmp_path / "out") == fitted.fit
    assert Monitor.read(tmp_path / "out") == fitted.monitor
    kinds = {row.detector for row in fitted.fit.comparisons}
    assert kinds >= {"logistic_regression", "text", "random_direction", "shuffled_labels"}
    best = next(row for row in fitted.fit.comparisons if row.detector == fitted.fit.chosen)
    assert best.watchable
    assert best.auroc > 0.9
    assert fitted.fit.tested.auroc > 0.9
    assert fitted.fit.tested.fpr < 0.3
    assert 0 < fitted.monitor.calibration.rate_bound <= 0.1
    stream = write(tmp_path / "stream.jsonl", rows("badtest", 20, "bad bad {word} bad"))
    assert watch_case(tmp_path / "out", stream).state == "rolled_back"


def test_the_same_files_give_the_same_bytes_and_an_old_monitor_is_not_overwritten(
    tmp_path, request_
):
    for name in ("one", "two"):
        fit_to(request_, tmp_path / name / "out")
    first, second = ((tmp_path / n / "out" / "monitor.json").read_bytes() for n in ("one", "two"))
    assert first == second
    with pytest.raises(AssayError, match="holds a monitor already"):
        fit_to(request_, tmp_path / "one" / "out")


def test_conversations_that_set_the_threshold_took_no_part_in_the_choice(tmp_path, request_):
    fitted = fit_to(request_, tmp_path / "out")
    assert fitted.monitor.calibration.n < fitted.fit.benign
    assert "chosen on other conversations" in fitted.fit.guarantee


@pytest.mark.parametrize(
    ("file", "change", "why"),
    [
        ("positives", {"label": False}, r"bad\.jsonl, line 3: label is false, but the file"),
        ("negatives", {"messages": [{"role": "user", "content": "x"}]}, "line 3: messages has no"),
        ("benign", {"id": "bad-4"}, "the same ids occur in .*: bad-4"),
        ("positives", {"messages": "x"}, r"bad\.jsonl, line 3"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path, request_, file, change, why):
    path = getattr(request_, file)
    found = [json.loads(line) for line in path.read_text().splitlines()]
    found[2] |= change
    write(path, found)
    with pytest.raises(AssayError, match=why):
        fit_to(request_, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_class_alone_or_the_same_conversation_in_two_files_is_refused(tmp_path, request_):
    few = write(tmp_path / "few.jsonl", rows("few", 3, "bad {word}"))
    with pytest.raises(AssayError, match=r"few\.jsonl has 3 conversations; at least 8"):
        fit_to(replace(request_, positives=few), tmp_path / "out")
    again = [row | {"id": f"again-{row['id']}"} for row in rows("bad", 36, "bad bad bad {word}")]
    same = write(tmp_path / "same.jsonl", again)
    with pytest.raises(AssayError, match="the same conversations occur in .*bad-0 = again-bad-0"):
        fit_to(replace(request_, negatives=same), tmp_path / "out")


def test_a_test_file_that_shares_anything_with_what_was_learned_is_refused(tmp_path, request_):
    def tested(found):
        return replace(request_, test=write(tmp_path / "test.jsonl", found))

    other = rows("goodtest", 9, "good {word}", label=False)
    shared = rows("bad", 5, "bad bad bad {word}", label=True)
    with pytest.raises(AssayError, match="the same ids occur in .*bad-0, bad-1"):
        fit_to(tested([*shared, *other]), tmp_path / "out")
    templates = rows("badtest", 5, "bad {word}", label=True)
    templates[0]["template"] = "bad/0"
    with pytest.raises(AssayError, match="shares templates with what was learned from: bad/0"):
        fit_to(tested([*templates, *other]), tmp_path / "out")
    with pytest.raises(AssayError, match="needs conversations with label true and"):
        fit_to(tested(other), tmp_path / "out")


def test_few_conversations_and_unstated_templates_are_warned_of(tmp_path, request_):
    few = rows("few", 12, "bad bad bad {word}")
    for row in few:
        del row["template"]
    asked = replace(request_, positives=write(tmp_path / "few.jsonl", few))
    warnings = " ".join(fit_to(asked, tmp_path / "out").fit.warnings)
    assert "few.jsonl: 12 conversations;" in warnings
    assert "no row states its template" in warnings

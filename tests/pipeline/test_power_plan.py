"""`assay plan`: before a run, what the claims need and what the case has."""

from __future__ import annotations

import json

import pytest

from assay.cli import main
from assay.errors import AssayError
from assay.pipeline import PowerPlan, power_plan, power_planning, read_run
from assay.text import Message, Transcript
from tiny_case import concerns


@pytest.fixture
def case(case_in, tiny_work, tmp_path):
    """A function that writes the tiny case with changes."""
    organisms = tiny_work / "organisms"
    return lambda **changes: case_in(tmp_path, **concerns(organisms, **changes))


def planned(path, tiny_work):
    return power_plan(path, tiny_work / "out")


def test_the_sizes_are_those_that_the_run_will_have(case, tiny_work):
    found = planned(case(), tiny_work)
    matrix = read_run(tiny_work / "out" / "tiny").transfer
    assert [each.organism for each in found.organisms] == ["one", "two", "three"]
    for each in found.organisms:
        cell = next(c for c in matrix.cells if c.organism == each.organism)
        assert each.positives.n == cell.n_positive
        assert each.positives.templates == 8
        assert each.calibration.n == cell.n_threshold
        assert each.benign_test.n == cell.benign_n
        # Two prompts a template, at a correlation of at least .1.
        assert each.positives.n_effective == pytest.approx(16 / 1.1, abs=0.1)


def test_the_same_text_twice_counts_once(case, tiny_work, tmp_path):
    rows = [
        {"id": str(n), "messages": [{"role": "user", "content": text}], "template": str(n)}
        for n, text in enumerate(["once", "twice", "twice"])
    ]
    (tmp_path / "more.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    more = {
        "prompts": "benign-pool",
        "max_new_tokens": 3,
        "horizon": 100,
        "benign": [str(tmp_path / "more.jsonl")],
    }
    before = planned(case(), tiny_work).monitor.benign.n
    assert planned(case(deployment=more), tiny_work).monitor.benign.n == before + 2


def test_the_same_text_twice_counts_once_among_the_conversations_of_an_organism():
    rows = [
        Transcript(id=str(n), messages=(Message(role="user", content=text),), template=str(n))
        for n, text in enumerate(["once", "twice", "twice"])
    ]
    assert power_planning._sample(rows).n == 2


def test_more_benign_conversations_admit_an_oracle_more_probably(case, tiny_work):
    budgets = {"fpr": 0.05, "delta": 0.05}
    sizes = {"discover": 16, "threshold": 16, "test": 16, "confirmed": 2}

    def with_pool(pool):
        chosen = case(budgets=budgets, transfer={**sizes, "pool": pool})
        return planned(chosen, tiny_work).organisms[0]

    # Sixty conversations in all leave fewer independent ones than any guarantee needs.
    assert (with_pool(60).oracle, with_pool(60).double_rate) == (0.0, 0.0)
    assert with_pool(455).oracle > 0.9
    assert 0 < with_pool(455).double_rate < 0.5


def test_power_grows_with_the_true_rate_and_says_how_many_positives_are_needed(case, tiny_work):
    certain, likely, hardly = planned(case(), tiny_work).organisms[0].rates
    assert certain.probability == 1.0
    assert certain.probability > likely.probability > hardly.probability
    assert certain.positives_needed < likely.positives_needed < hardly.positives_needed
    at_target = planned(case(budgets={"fpr": 0.05, "delta": 0.1, "tpr_target": 0.9}), tiny_work)
    assert at_target.organisms[0].rates[2].positives_needed is None


def test_organisms_that_are_not_admitted_catch_nothing_and_those_made_alike_count_once(
    case, tiny_work
):
    found = planned(case(), tiny_work)
    assert (found.catching.organisms, found.catching.admitted) == (3, 0)
    assert found.catching.lower == 0.0
    assert found.catching.makings == 1
    assert found.catching.needed == 14
    assert [(c.concern, c.organisms, c.admitted) for c in found.concerns] == [("deceit", 3, 0)]


def test_the_monitor_needs_independent_conversations_and_few_firings(case, tiny_work):
    monitor = planned(case(), tiny_work).monitor
    assert monitor.needed == 22
    assert monitor.needed_here > monitor.needed
    quiet = [monitor.firings_needed[n] for n in ("0", "1000", "20000")]
    assert 0 < quiet[0] <= quiet[1] <= quiet[2]
    handful = planned(case(monitor={"rule": "handful", "handful": 3}), tiny_work).monitor
    assert set(handful.firings_needed.values()) == {4}


def test_it_fits_the_terminal_runs_nothing_and_has_typed_json(case, tmp_path, monkeypatch, capsys):
    def run(*options):
        arguments = ["assay", "plan", str(case()), "--out", str(tmp_path / "new"), *options]
        monkeypatch.setattr("sys.argv", arguments)
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        return capsys.readouterr().out

    lines = run().splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("one *") for line in lines)
    assert "minutes on this machine" in lines[-1]
    assert PowerPlan.model_validate_json(run("--json")).case == "tiny"
    assert json.loads(run("--json"))["cost"]["stages"][0]["cached"] is False
    assert not (tmp_path / "new").exists()


def test_a_case_without_concerns_has_a_cost_and_no_claims(case_in, tmp_path):
    found = power_plan(case_in(tmp_path), tmp_path / "out")
    assert found.organisms == ()
    assert found.catching is None
    assert found.monitor is None
    assert found.cost.seconds > 0


def test_too_few_benign_conversations_are_refused_as_in_a_run(case, tiny_work):
    with pytest.raises(AssayError, match="2995"):
        planned(case(budgets={"fpr": 0.001}), tiny_work)

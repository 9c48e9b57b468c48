"""The mutants are well-formed and apply to the code as it is; `make mutants` runs them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("run_mutants", HERE / "run.py")
runner = importlib.util.module_from_spec(SPEC)
sys.modules["run_mutants"] = runner
SPEC.loader.exec_module(runner)
MUTANTS = sorted(HERE.glob("*.yaml"))


def test_there_are_at_least_25():
    assert len(MUTANTS) >= 25


@pytest.mark.parametrize("path", MUTANTS, ids=lambda path: path.stem)
def test_each_applies_to_the_code_as_it_is_and_its_tests_exist(path):
    mutant = runner.read_mutant(path)
    assert mutant.applied(runner.ROOT) != (runner.ROOT / mutant.file).read_text()
    assert mutant.tests
    for test in mutant.tests:
        file, *names = test.split("::")
        text = (runner.ROOT / file).read_text()
        for name in names:
            assert f"def {name.split('[')[0]}(" in text, test


def test_a_mutant_that_survives_or_does_not_apply_is_reported(tmp_path, monkeypatch, capsys):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "sums.py").write_text("def double(x):\n    return 2 * x\n")
    test = tmp_path / "test_sums.py"
    test.write_text("from sums import double\ndef test_it():\n    assert double(2) == 4\n")
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    monkeypatch.setattr(runner, "HERE", tmp_path)

    def mutant(name, old, new):
        (tmp_path / f"{name}.yaml").write_text(
            f"tests: [test_sums.py]\nrelies: {name}\nfile: src/sums.py\nold: {old}\nnew: {new}\n"
        )

    mutant("killed", "2 * x", "3 * x")
    assert runner.main([]) == 0
    mutant("survives", "2 * x", "x * x")
    assert runner.main([]) == 1
    mutant("twice", "x", "y")
    assert runner.main(["twice"]) == 1
    said = capsys.readouterr().out
    assert "killed    killed" in said
    assert "SURVIVED  survives" in said
    assert "DOES NOT APPLY: its old text occurs 2 times" in said
    assert "1 of 2 mutants killed" in said
    test.write_text("def test_it():\n    assert False\n")
    assert runner.main([]) == 1
    assert "the tests fail on the unbroken code" in capsys.readouterr().out

"""The command line answers fast, and bad input is one line with exit status 2."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "peft", "altair")


def assay(*arguments):
    return subprocess.run(
        [sys.executable, "-c", "from assay.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def refused(result, *words):
    assert result.returncode == 2
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in lines[0]


def test_help_is_answered_without_loading_torch():
    code = (
        "import sys\nfrom assay.cli import main\nsys.argv = ['assay', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "position" in result.stdout
    assert result.stdout.strip().endswith("[]")


@pytest.mark.parametrize("command", ["run", "harvest", "train", "position", "report", "doctor"])
def test_every_command_explains_itself_in_80_columns(command):
    result = assay(command, "--help")
    assert result.returncode == 0
    assert max(len(line) for line in result.stdout.splitlines()) <= 80


def test_a_missing_case_file_is_one_line():
    refused(assay("run", "none.yaml"), "none.yaml", "does not exist")


def test_an_unknown_corpus_is_one_line_with_the_valid_ones():
    refused(assay("data", "fetch", "sotuu"), "sotuu", "sotu", "stdlib-code")


def test_an_unknown_site_is_one_line_with_the_valid_kinds(tmp_path):
    case = tmp_path / "case.yaml"
    case.write_text(
        "name: x\nmodel: {id: m}\ndictionary: {site: residual.3, path: d}\ntext: sotu\n"
    )
    refused(assay("run", str(case)), "residual.3", "resid_post")


def test_debug_shows_the_traceback_wherever_it_stands():
    for arguments in (("--debug", "run", "none.yaml"), ("run", "none.yaml", "--debug")):
        result = assay(*arguments)
        assert "Traceback" in result.stderr
        assert result.returncode == 1


def test_misuse_of_the_command_line_exits_with_2():
    assert assay("position", "--no-such-option").returncode == 2
    refused(assay("position", "model"), "--text")


def test_json_output_is_json():
    rows = json.loads(assay("data", "list", "--json").stdout)
    assert {row["name"] for row in rows} == {"sotu", "austen", "stdlib-code", "chatterbot"}
    assert json.loads(assay("doctor", "--json").stdout)["torch"]

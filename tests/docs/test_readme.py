"""The Python of the README works as it stands, on a small model and a run of a small case."""

from __future__ import annotations

import shutil

import pytest
from page_blocks import ROOT, Block, blocks_of, run_blocks

README = ROOT / "README.md"


@pytest.fixture
def a_run(tiny_work, tmp_path):
    """A copy of the run: watching writes a journal beside it."""
    folder = tmp_path / "run"
    shutil.copytree(tiny_work / "out" / "tiny", folder)
    return folder


def test_the_block_of_the_readme_runs_with_nothing_replaced_but_names(
    a_run, tiny_work, tiny_model_folder, capsys
):
    (block,) = blocks_of(README)
    code = block.code
    for name, stands_for in {
        "out/smollm2": a_run,
        "smollm2-135m-instruct": tiny_model_folder,
        "resid_post.15": "resid_post.1",
        "organisms/secret-liar": tiny_work / "organisms" / "one",
    }.items():
        assert f'"{name}' in code
        code = code.replace(f'"{name}', f'"{stands_for}')
    made = run_blocks([Block(block.page, block.line, code)])
    assert len(made["run"].transfer.to_frame()) == len(made["run"].transfer.cells) > 0
    assert made["x"].shape[1] == made["model"].d_model
    assert len(made["codes"]) == len(made["x"])
    assert made["outcome"].seen > 0
    assert made["outcome"].message in capsys.readouterr().out
    assert (a_run / "journal.sqlite").is_file()


def test_the_names_that_the_readme_uses_are_there_after_make_run():
    code = blocks_of(README)[0].code
    case = (ROOT / "examples" / "smollm2.yaml").read_text(encoding="utf-8")
    assert "name: smollm2\n" in case
    assert '"out/smollm2"' in code
    for name in ("id: smollm2-135m-instruct", "site: resid_post.15"):
        assert name in case
        assert name.split(": ")[1] in code
    assert (ROOT / "organisms" / "secret-liar" / "transcripts.jsonl").is_file()

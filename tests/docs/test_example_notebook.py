"""The notebook in examples/ runs as it stands, on a small model."""

from __future__ import annotations

import json

from page_blocks import ROOT

NOTEBOOK = ROOT / "examples" / "own_conversations.ipynb"


def test_it_ends_in_a_monitor_that_watches(tmp_path, monkeypatch, tiny_model_folder, capsys):
    monkeypatch.chdir(tmp_path)
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict[str, object] = {}
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        assert cell["outputs"] == []
        code = "".join(cell["source"])
        code = code.replace("smollm2-135m-instruct", str(tiny_model_folder))
        exec(compile(code.replace("resid_post.15", "resid_post.1"), str(NOTEBOOK), "exec"), names)
    assert (tmp_path / "mine" / "monitor.json").is_file()
    assert (tmp_path / "mine" / "journal.sqlite").is_file()
    assert "of benign conversations fire" in capsys.readouterr().out

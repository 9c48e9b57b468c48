"""A stage believes another's artefact only as it was made."""

from __future__ import annotations

import json
import shutil

import pytest

from assay.errors import AssayError
from assay.files import sha256_of
from assay.pipeline import plan_case, redraw, run_case
from assay.pipeline.contents import CheckedArtefacts, Contents
from tiny_case import concerns


@pytest.fixture
def copied(tiny_work, tmp_path):
    """A copy of the finished tiny run."""
    shutil.copytree(tiny_work / "out", tmp_path / "out")
    return tmp_path / "out" / "tiny"


def artefact(run, stage):
    return next(path for path in (run / "stages").glob(f"{stage}-*"))


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_every_artefact_states_the_hash_of_each_of_its_files_and_of_what_it_was_made_from(tiny_run):
    folders = [path for path in (tiny_run.folder / "stages").iterdir() if path.is_dir()]
    assert len(folders) == 18
    for folder in folders:
        contents = Contents.read(folder)
        names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
        assert set(contents.files) == names - {Contents.FILE}
        assert all(sha256_of(folder / name) == known for name, known in contents.files.items())
    monitor = Contents.read(artefact(tiny_run.folder, "monitor"))
    transfer = artefact(tiny_run.folder, "transfer")
    assert monitor.made_from["transfer"] == sha256_of(transfer / Contents.FILE)


def test_a_run_refuses_an_artefact_that_was_edited_and_names_the_file(
    copied, tiny_work, case_in, tmp_path
):
    transfer = artefact(copied, "transfer")
    value = json.loads((transfer / "transfer.json").read_text())
    value["catch_bound"]["lower"] = 0.99
    (transfer / "transfer.json").write_text(json.dumps(value))
    case = case_in(tmp_path, **concerns(tiny_work / "organisms"))
    expected = rf"{transfer.name}/transfer.json was changed after it was made; delete .*assay run"
    # The second run would only copy it; a changed monitor would compute with it.
    with pytest.raises(AssayError, match=expected) as caught:
        run_case(case, tmp_path / "out")
    assert "\n" not in str(caught.value)
    shutil.rmtree(artefact(copied, "monitor"))
    with pytest.raises(AssayError, match=expected):
        run_case(case, tmp_path / "out")
    assert not list((copied / "stages").glob("monitor-*"))
    # As the message says: without the edited artefact the run is what it was.
    shutil.rmtree(transfer)
    run_case(case, tmp_path / "out")
    assert sha256_of(copied / "run.json") == sha256_of(tiny_work / "out" / "tiny" / "run.json")


def test_a_report_is_not_drawn_from_an_edited_artefact(copied):
    edit(artefact(copied, "position") / "position.json", '"seed": 1', '"seed": 2')
    with pytest.raises(AssayError, match=r"position.json was changed after it was made"):
        redraw(copied)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: (folder / "transfer.json").unlink(), "transfer.json is missing"),
        (lambda folder: (folder / "extra").write_text("x"), "extra was added"),
        (lambda folder: (folder / "contents.json").unlink(), "contents.json is missing"),
        (
            lambda folder: edit(folder / "inputs.json", '"stage"', '"staga"'),
            "inputs.json was changed",
        ),
    ],
)
def test_whatever_was_done_to_an_artefact_is_found(copied, change, words):
    folder = artefact(copied, "transfer")
    CheckedArtefacts().check(folder)
    change(folder)
    with pytest.raises(AssayError, match=words):
        CheckedArtefacts().check(folder)


def test_an_artefact_is_hashed_once_in_a_run(copied, monkeypatch):
    hashed = []
    monkeypatch.setattr(
        "assay.pipeline.contents.sha256_of", lambda path: hashed.append(path) or sha256_of(path)
    )
    checked, folder = CheckedArtefacts(), artefact(copied, "dictionary")
    assert checked.check(folder) == checked.check(folder)
    assert len(hashed) == len(set(hashed)) > 3


def test_a_dry_run_needs_no_hashes_and_still_says_what_is_cached(
    copied, tiny_work, case_in, tmp_path
):
    case = case_in(tmp_path, **concerns(tiny_work / "organisms"))
    assert all(stage.cached for stage in plan_case(case, tmp_path / "out").stages)

"""`assay verify`: every edit of a finished run is found, and the file is named."""

from __future__ import annotations

import json
import random
import shutil

import pytest

from assay.cli import main
from assay.errors import AssayError
from assay.files import sha256_of, sha256_of_json, write_json
from assay.monitoring import Monitor, open_journal
from assay.pipeline import CaseLock, verify_run
from assay.pipeline.contents import Contents

EDITS = 1000


@pytest.fixture(scope="module")
def verified(tiny_work, tmp_path_factory):
    """A copy of the finished tiny run, for edits that are taken back."""
    folder = tmp_path_factory.mktemp("verified") / "tiny"
    shutil.copytree(tiny_work / "out" / "tiny", folder)
    return folder


@pytest.fixture
def copied(verified, tmp_path):
    """A copy of one's own."""
    shutil.copytree(verified, tmp_path / "tiny")
    return tmp_path / "tiny"


def files_of_run(folder):
    """Every file of the run, each kind about as likely as another."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def artefact(run, stage):
    return next((run / "stages").glob(f"{stage}-*"))


def test_an_untouched_run_fits_and_its_head_is_the_hash_of_its_summary(verified):
    told = []
    found = verify_run(verified, tell=told.append)
    assert found.checks == tuple(told)
    assert len(told) >= 7
    assert found.head == sha256_of(verified / "run.json")
    assert found.journal_head is None
    assert verify_run(verified, expected=found.head) == found


def test_each_of_a_thousand_random_edits_of_one_byte_is_found(verified):
    generator = random.Random(0)
    files = files_of_run(verified)
    edited = set()
    for _ in range(EDITS):
        path = generator.choice(files)
        original = path.read_bytes()
        place = generator.randrange(len(original))
        changed = bytearray(original)
        changed[place] = (changed[place] + generator.randrange(1, 256)) % 256
        path.write_bytes(changed)
        try:
            with pytest.raises(AssayError) as caught:
                verify_run(verified)
        finally:
            path.write_bytes(original)
        assert path.name in str(caught.value) or "run.json" in str(caught.value), path
        edited.add(path)
    assert edited == set(files)
    verify_run(verified)


def test_an_edit_between_two_figures_of_the_summary_is_found(copied):
    path = copied / "run.json"
    path.write_bytes(path.read_bytes().replace(b"\n", b" ", 1))
    with pytest.raises(AssayError, match="run.json was edited: it is not laid out as Assay writes"):
        verify_run(copied)


def test_the_first_file_that_does_not_fit_is_named(copied):
    path = artefact(copied, "quality") / "quality.json"
    path.write_text(path.read_text().replace('"version": 1', '"version": 1 ', 1))
    with pytest.raises(AssayError, match=f"{path.parent.name}/quality.json was changed"):
        verify_run(copied)


def edited_with_its_list(run, stage, name, change):
    """An artefact's file edited, and its contents.json with it."""
    folder = artefact(run, stage)
    value = json.loads((folder / name).read_text())
    change(value)
    write_json(folder / name, value)
    listed = json.loads((folder / Contents.FILE).read_text())
    listed["files"][name] = sha256_of(folder / name)
    write_json(folder / Contents.FILE, listed)
    return folder


def forged(run):
    """Make run.json state what lies there now."""
    value = json.loads((run / "run.json").read_text())
    for stage in value["stages"]:
        stage["contents"] = sha256_of(run / "stages" / stage["folder"] / Contents.FILE)
    value["lock"] = sha256_of(run / CaseLock.FILE)
    write_json(run / "run.json", value)


def flatter(value):
    value["catch_bound"]["lower"] = 0.99


def test_an_edit_of_an_artefact_together_with_its_hashes_is_found(copied):
    folder = edited_with_its_list(copied, "transfer", "transfer.json", flatter)
    with pytest.raises(AssayError, match=f"{folder.name}/contents.json is not the one"):
        verify_run(copied)


def test_so_is_one_together_with_the_summary_as_later_stages_were_made_from_another(copied):
    folder = edited_with_its_list(copied, "transfer", "transfer.json", flatter)
    shutil.copyfile(folder / "transfer.json", copied / "transfer.json")
    forged(copied)
    with pytest.raises(AssayError, match="was made from another transfer than lies there"):
        verify_run(copied)


def test_a_safety_case_that_does_not_follow_from_the_results_is_found(copied):
    def support(value):
        node = next(n for n in value["nodes"] if n["evidence"] is not None)
        node["text"] += " Certainly."

    folder = edited_with_its_list(copied, "safety-case", "safety_case.json", support)
    shutil.copyfile(folder / "safety_case.json", copied / "safety_case.json")
    report = artefact(copied, "report")
    listed = json.loads((report / Contents.FILE).read_text())
    listed["made_from"]["safety-case"] = sha256_of(folder / Contents.FILE)
    write_json(report / Contents.FILE, listed)
    forged(copied)
    with pytest.raises(AssayError, match=r"safety_case.json: node .* does not follow from the res"):
        verify_run(copied)


def test_who_forges_every_hash_is_found_by_the_head_that_was_published(copied):
    head = verify_run(copied).head
    folder = artefact(copied, "report")
    (folder / "report.html").write_text((folder / "report.html").read_text() + "<!-- -->")
    listed = json.loads((folder / Contents.FILE).read_text())
    listed["files"]["report.html"] = sha256_of(folder / "report.html")
    write_json(folder / Contents.FILE, listed)
    shutil.copyfile(folder / "report.html", copied / "report.html")
    forged(copied)
    verify_run(copied)
    with pytest.raises(AssayError, match=rf"its hash is not the head {head}"):
        verify_run(copied, expected=head)


def test_a_figure_in_the_summary_that_no_stage_measured_is_found(copied):
    value = json.loads((copied / "run.json").read_text())
    value["figures"][0]["estimate"] = 1.0
    value["figures"][0]["ci"] = [0.9, 1.0]
    write_json(copied / "run.json", value)
    with pytest.raises(AssayError, match="run.json: its figures are not those of the stages"):
        verify_run(copied)


def test_another_lock_is_found_although_it_states_its_own_hash(copied):
    value = json.loads((copied / CaseLock.FILE).read_text())
    value["case"]["budgets"]["fpr"] = 0.01
    value["sha256"] = sha256_of_json({k: v for k, v in value.items() if k != "sha256"})
    write_json(copied / CaseLock.FILE, value)
    with pytest.raises(AssayError, match=r"case.lock.json is not the lock that run.json states"):
        verify_run(copied)


def test_a_file_of_other_settings_that_was_left_there_is_found(copied):
    (copied / "evidence" / "older.json").write_text("[]")
    with pytest.raises(AssayError, match="evidence/older.json is of no stage of this run"):
        verify_run(copied)


def test_the_journal_is_verified_with_the_run(copied):
    import sqlite3

    monitor = Monitor.read(copied)
    with open_journal(copied / "journal.sqlite", monitor.sha256) as journal:
        head = journal.head
    assert verify_run(copied).journal_head == head
    with sqlite3.connect(copied / "journal.sqlite") as connection:
        connection.execute("UPDATE rows SET body = replace(body, 'opened', 'open')")
    with pytest.raises(AssayError, match="journal.sqlite: the chain breaks at row 1"):
        verify_run(copied)


def test_on_the_command_line_each_check_is_printed_and_a_misfit_ends_with_2(
    copied, monkeypatch, capsys
):
    def run(*options):
        monkeypatch.setattr("sys.argv", ["assay", "verify", str(copied), *options])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, capsys.readouterr()

    status, said = run()
    assert status == 0
    assert said.out.splitlines()[-1] == f"head {sha256_of(copied / 'run.json')}"
    assert all(len(line) <= 80 for line in said.out.splitlines())
    assert json.loads(run("--json")[1].out)["head"] == sha256_of(copied / "run.json")
    (copied / "transfer.json").write_text("{}")
    status, said = run("--json")
    assert status == 2
    assert said.out == ""
    assert "transfer.json is not the one" in said.err
    assert said.err.count("\n") == 1

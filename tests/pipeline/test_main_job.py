"""The main job on a tiny model: whole, cached, resumed after kill -9 to the same bytes."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from assay.errors import AssayError
from assay.evidence import read_evidence
from assay.files import sha256_of
from assay.pipeline import CaseLock, plan_case, read_run, redraw, run_case
from assay.pipeline.run import time_in_words

KILLED_AT_WRITE = """
import os, signal, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
import assay.files
import assay.pipeline.stage
flush, left = assay.files.flush_to_disk, int(sys.argv[3])
def counted(path):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    flush(path)
assay.files.flush_to_disk = assay.pipeline.stage.flush_to_disk = counted
from assay.pipeline.run import run_case
run_case(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def files_of(folder):
    return {
        str(path.relative_to(folder)): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def single_thread():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("single_thread")
def test_killed_again_and_again_the_job_ends_with_the_same_bytes(tiny_case, tmp_path):
    case = tiny_case()
    run_case(case, tmp_path / "whole")
    kills = 0
    for _ in range(30):
        # Each life ends at its 23rd write; what it had finished stays finished.
        result = subprocess.run(
            [sys.executable, "-c", KILLED_AT_WRITE, str(case), str(tmp_path / "cut"), "23"],
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode == 0:
            break
        assert result.returncode == -signal.SIGKILL, result.stderr
        kills += 1
    assert result.returncode == 0
    assert kills >= 3
    assert files_of(tmp_path / "cut") == files_of(tmp_path / "whole")


@pytest.mark.usefixtures("single_thread")
def test_a_second_run_does_nothing_again_and_a_changed_size_reruns_only_what_depends_on_it(
    tiny_case, tmp_path
):
    first = run_case(tiny_case(), tmp_path)
    stamps = {p: p.stat().st_mtime_ns for p in (tmp_path / "tiny" / "stages").iterdir()}
    assert run_case(tiny_case(), tmp_path) == first
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "tiny" / "stages").iterdir()} == stamps
    audit = {"rows": 72, "length": 32, "quality_rows": 32, "causal": None}
    plan = plan_case(tiny_case(audit=audit), tmp_path)
    cached = {stage.name: stage.cached for stage in plan.stages}
    assert cached == {
        "harvest": True,
        "dictionary": True,
        "quality": False,
        "position": False,
        "report": False,
    }
    assert plan.seconds > 0


@pytest.mark.usefixtures("single_thread")
def test_the_job_ends_with_report_lock_and_believable_evidence(tiny_case, tmp_path):
    folder, result = run_case(tiny_case(), tmp_path)
    assert folder == tmp_path / "tiny"
    assert (folder / result.report).is_file()
    assert read_run(folder).result == result
    assert [figure.metric for figure in result.figures] == [
        "variance explained without the sink",
        "well-separated features",
        "sink's share of the residual variance",
    ]
    for name, stage in CaseLock.read(folder).folders.items():
        assert (folder / "stages" / stage).is_dir(), name
    records = [r for file in (folder / "evidence").iterdir() for r in read_evidence(file)]
    for record in records:
        assert record.n > 0
        assert set(record.inputs) == {"model", "text", "dictionary"}
        assert record.split == "held_out"
        if record.ci is not None:
            assert record.ci[0] <= record.estimate <= record.ci[1]
    before = (folder / "report.html").read_bytes()
    assert redraw(folder).read_bytes() == before


@pytest.mark.usefixtures("single_thread")
def test_a_dictionary_that_exists_is_audited_without_training(tiny_case, tmp_path):
    run_case(tiny_case(), tmp_path, until="dictionary")
    made = next((tmp_path / "tiny" / "stages").glob("dictionary-*")) / "dictionary"
    _, result = run_case(
        tiny_case(name="mine", dictionary={"site": "resid_post.1", "path": str(made)}), tmp_path
    )
    assert result.report is not None
    names = {p.name.split("-")[0] for p in (tmp_path / "mine" / "stages").iterdir()}
    assert names == {"quality", "position", "report"}


def test_until_names_a_stage_and_bad_ones_are_refused(tiny_case, tmp_path):
    _, result = run_case(tiny_case(), tmp_path, until="harvest")
    assert result.report is None
    with pytest.raises(AssayError, match="unknown stage 'training'.*harvest, dictionary"):
        run_case(tiny_case(), tmp_path, until="training")


def test_what_does_not_fit_the_model_is_refused_before_anything_is_written(tiny_case, tmp_path):
    with pytest.raises(AssayError, match="layer"):
        run_case(
            tiny_case(dictionary={"site": "resid_post.9", "train": {"width": 64, "k": 4}}),
            tmp_path / "out",
        )
    with pytest.raises(AssayError, match="512 positions"):
        run_case(tiny_case(audit={"length": 1000}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_says_where_its_time_went_the_longest_first():
    took = {"harvest": [61.0], "reading": [40.0, 50.2], "report": [0.2]}
    assert (
        time_in_words(took) == "time: 2 min 31 s; reading 1 min 30 s (2 stages), harvest 1 min 1 s"
    )
    assert time_in_words({"report": [0.2]}) == "time: 0 s"

"""Files are whole or absent; errors say what is wrong and what would be right."""

from __future__ import annotations

import errno

import pytest

from assay.errors import AssayError, unknown_name
from assay.files import (
    atomic_file,
    atomic_folder,
    read_json,
    read_safetensors,
    sha256_of_json,
    write_json,
)
from assay.randomness import numpy_generator, seed_for, torch_generator


def test_a_failed_write_leaves_the_old_file_and_no_debris(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"old": 1})

    def fail():
        with atomic_file(path) as aside:
            aside.write_text("half")
            raise RuntimeError("cut")

    with pytest.raises(RuntimeError):
        fail()
    assert read_json(path) == {"old": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    def fill(cut):
        with atomic_folder(tmp_path / "out") as aside:
            (aside / "x").write_text("1")
            if cut:
                raise RuntimeError("cut")

    with pytest.raises(RuntimeError):
        fill(cut=True)
    assert list(tmp_path.iterdir()) == []
    fill(cut=False)
    assert (tmp_path / "out" / "x").read_text() == "1"


def test_a_full_disk_is_an_error_for_people(tmp_path):
    def fill():
        with atomic_file(tmp_path / "a"):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(AssayError, match="no space left on the disk.*free some"):
        fill()


def test_nan_never_reaches_json(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_damaged_json_and_safetensors_are_named(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(AssayError, match=r"a\.json is not valid JSON"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.safetensors").write_bytes(b'\x08\0\0\0\0\0\0\0{"a":1')
    with pytest.raises(AssayError, match="truncated or damaged"):
        read_safetensors(tmp_path / "a.safetensors")
    with pytest.raises(AssayError, match="does not exist"):
        read_safetensors(tmp_path / "b.safetensors")


def test_json_hashes_ignore_the_order_of_keys():
    assert sha256_of_json({"a": 1, "b": [2]}) == sha256_of_json({"b": [2], "a": 1})
    assert sha256_of_json({"a": 1}) != sha256_of_json({"a": 2})


def test_unknown_names_come_with_the_nearest_and_all_valid_ones():
    error = unknown_name("architecture", "batchtopk", ["topk", "batch_topk"], "case.yaml")
    assert str(error) == (
        "unknown architecture 'batchtopk' in case.yaml (did you mean 'batch_topk'?); "
        "valid: batch_topk, topk"
    )


def test_named_seeds_do_not_depend_on_the_order_of_draws():
    assert seed_for(0, "a") != seed_for(0, "b") != seed_for(1, "b")
    first = numpy_generator(3, "x").uniform()
    numpy_generator(3, "y").uniform()
    assert numpy_generator(3, "x").uniform() == first
    assert torch_generator(3, "x").initial_seed() == torch_generator(3, "x").initial_seed()

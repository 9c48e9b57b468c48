"""Files out of wheels, with the real pip pointed at a folder of wheels instead of an index."""

import base64
import hashlib
import zipfile
from pathlib import Path

import pytest

from assay import downloads
from assay.errors import AssayError

CONTENT = {"plantedtext/a.txt": b"first", "plantedtext/deep/b.txt": b"second", "other.txt": b"x"}
SHA_A = hashlib.sha256(b"first").hexdigest()


def write_wheel(folder: Path, extra: dict[str, bytes] | None = None) -> Path:
    info = "plantedtext-1.0.dist-info"
    members = {
        **CONTENT,
        **(extra or {}),
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: plantedtext\nVersion: 1.0\n"
        b"Requires-Dist: no-such-package-anywhere\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for name, content in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(content)}\n"
    members[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    path = folder / "plantedtext-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def partial_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and "plantedtext" in str(path)]


def test_one_file_is_fetched_once_and_then_comes_from_the_cache(wheels):
    wheel = write_wheel(wheels)
    path = downloads.fetch_wheel("plantedtext", "1.0", "plantedtext/a.txt", SHA_A)
    assert path.read_bytes() == b"first"
    wheel.unlink()
    assert downloads.fetch_wheel("plantedtext", "1.0", "plantedtext/a.txt", SHA_A) == path


def test_a_file_changed_in_the_cache_is_fetched_again(wheels):
    write_wheel(wheels)
    path = downloads.fetch_wheel("plantedtext", "1.0", "plantedtext/a.txt", SHA_A)
    path.write_bytes(b"tampered")
    again = downloads.fetch_wheel("plantedtext", "1.0", "plantedtext/a.txt", SHA_A)
    assert again.read_bytes() == b"first"


def test_a_hash_mismatch_is_refused_and_leaves_nothing(wheels, tmp_path):
    write_wheel(wheels)
    with pytest.raises(AssayError, match="expected 000000000000…"):
        downloads.fetch_wheel("plantedtext", "1.0", "plantedtext/a.txt", "0" * 64)
    with pytest.raises(AssayError, match="expected 000000000000…"):
        downloads.fetch_wheel_folder("plantedtext", "1.0", "plantedtext", "0" * 64)
    assert partial_files(tmp_path / "cache" / "assay" / "downloads") == []


def test_a_folder_is_fetched_whole_and_repaired_when_a_file_changes(wheels):
    wheel = write_wheel(wheels)
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    folder = downloads.fetch_wheel_folder("plantedtext", "1.0", "plantedtext/", sha256)
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    assert names == ["a.txt", downloads.MANIFEST, "deep/b.txt"]
    (folder / "deep/b.txt").write_bytes(b"tampered")
    assert downloads.fetch_wheel_folder("plantedtext", "1.0", "plantedtext/", sha256) == folder
    assert (folder / "deep/b.txt").read_bytes() == b"second"
    wheel.unlink()
    assert downloads.fetch_wheel_folder("plantedtext", "1.0", "plantedtext/", sha256) == folder


@pytest.mark.parametrize("name", ["plantedtext/../../escape.txt", "plantedtext//etc/escape.txt"])
def test_a_wheel_that_would_write_outside_its_folder_is_refused(wheels, tmp_path, name):
    wheel = write_wheel(wheels, {name: b"bad"})
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    with pytest.raises(AssayError, match="outside the target folder"):
        downloads.fetch_wheel_folder("plantedtext", "1.0", "plantedtext", sha256)
    assert list(tmp_path.rglob("escape.txt")) == []


def test_a_missing_member_and_a_missing_prefix_are_named(wheels):
    wheel = write_wheel(wheels)
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    with pytest.raises(AssayError, match=r"no file 'plantedtext/c\.txt'"):
        downloads.fetch_wheel("plantedtext", "1.0", "plantedtext/c.txt", SHA_A)
    with pytest.raises(AssayError, match="no files under 'nowhere'"):
        downloads.fetch_wheel_folder("plantedtext", "1.0", "nowhere", sha256)


def test_a_refused_download_is_one_line_that_says_what_to_do(wheels):
    with pytest.raises(AssayError, match="check the connection") as caught:
        downloads.fetch_wheel("plantedtext", "9.9", "plantedtext/a.txt", SHA_A)
    assert "\n" not in str(caught.value)
    assert "plantedtext==9.9" in str(caught.value)


def test_an_interrupted_download_leaves_nothing_and_the_next_one_works(
    wheels, tmp_path, monkeypatch
):
    write_wheel(wheels)
    with monkeypatch.context() as patched:

        def interrupt(*arguments, **options):
            raise KeyboardInterrupt

        patched.setattr(downloads, "copy_member", interrupt)
        with pytest.raises(KeyboardInterrupt):
            downloads.fetch_wheel("plantedtext", "1.0", "plantedtext/a.txt", SHA_A)
    assert partial_files(tmp_path / "cache" / "assay" / "downloads") == []
    path = downloads.fetch_wheel("plantedtext", "1.0", "plantedtext/a.txt", SHA_A)
    assert path.read_bytes() == b"first"


def test_a_truncated_wheel_is_one_line(wheels):
    wheel = write_wheel(wheels)
    wheel.write_bytes(wheel.read_bytes()[:200])
    with pytest.raises(AssayError) as caught:
        downloads.fetch_wheel("plantedtext", "1.0", "plantedtext/a.txt", SHA_A)
    assert "\n" not in str(caught.value)


def test_without_pip_the_error_says_how_to_install_it(wheels, monkeypatch):
    monkeypatch.setattr(downloads.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(AssayError, match="ensurepip"):
        downloads.fetch_wheel("plantedtext", "1.0", "plantedtext/a.txt", SHA_A)

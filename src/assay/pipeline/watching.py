"""Watch conversations with a finished case's monitor, bound to the dictionary it came from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from assay.files import read_json
from assay.pipeline.run import LOCK
from assay.pipeline.steps import DICTIONARY

if TYPE_CHECKING:
    from assay.monitoring import WatchOutcome


def watch_case(folder: Path, transcripts: Path) -> WatchOutcome:
    """Replay transcripts through ``folder/monitor.json`` and journal them.

    Raises AssayError where the model or the case's dictionary is not what was calibrated.
    """
    from assay.monitoring import watch

    return watch(folder, transcripts, dictionary_sha256=_dictionary_sha256(folder))


def _dictionary_sha256(folder: Path) -> str | None:
    """Hash of the weights of the dictionary that lies with the case; None where none lies there."""
    from assay.dictionaries import load_dictionary

    if not (folder / LOCK).is_file():
        return None
    lock = read_json(folder / LOCK)
    own = lock["case"]["dictionary"].get("path")
    if own is None:
        made = lock["stages"].get("dictionary")
        if made is None:
            return None
        own = folder / "stages" / made / DICTIONARY
    return load_dictionary(Path(own)).metadata.hashes.get("weights")

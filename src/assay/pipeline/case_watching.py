"""Watch conversations with a finished case's monitor, bound to the dictionary it came from."""

from __future__ import annotations

from pathlib import Path

from assay.dictionaries import load_dictionary
from assay.monitoring import WatchOutcome, watch
from assay.pipeline.result import CaseLock, Run


def watch_case(folder: Path, transcripts: Path) -> WatchOutcome:
    """Replay transcripts through ``folder/monitor.json`` and journal them.

    Raises AssayError where the model or the case's dictionary is not what was calibrated.
    """
    return watch(folder, transcripts, dictionary_sha256=_dictionary_sha256(folder))


def _dictionary_sha256(folder: Path) -> str | None:
    """Hash of the weights of the dictionary that lies with the case; None where none lies there."""
    own = Run(folder).dictionary_folder if (folder / CaseLock.FILE).is_file() else None
    return None if own is None else load_dictionary(own).metadata.weights_sha256

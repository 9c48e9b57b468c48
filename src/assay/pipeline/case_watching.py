"""Watch conversations with a case's monitor, after checking the case's dictionary."""

from __future__ import annotations

from pathlib import Path

from assay.dictionaries import load_dictionary
from assay.monitoring import WatchOutcome, watch
from assay.pipeline.case_lock import CaseLock
from assay.pipeline.result import Run


def watch_case(folder: Path, transcripts: Path) -> WatchOutcome:
    """Watch a file of transcripts with ``folder/monitor.json`` and record them in its journal.

    Raises what ``watch`` raises, also where the case's dictionary is not the calibrated one.
    """
    return watch(folder, transcripts, dictionary_sha256=_dictionary_sha256(folder))


def _dictionary_sha256(folder: Path) -> str | None:
    """Hash of the weights of the case's dictionary; None where the folder has none."""
    dictionary = Run(folder).dictionary_folder if (folder / CaseLock.FILE).is_file() else None
    return None if dictionary is None else load_dictionary(dictionary).metadata.weights_sha256

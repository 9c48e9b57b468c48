"""Watch conversations with a case's monitor, after checking the case's dictionary."""

from __future__ import annotations

from pathlib import Path

from assay.dictionaries import load_dictionary
from assay.monitoring import WatchOutcome, watch
from assay.pipeline.case_lock import CaseLock
from assay.pipeline.stage import STAGES
from assay.pipeline.stages.dictionary_stage import DICTIONARY, DictionaryStage


def watch_case(folder: Path, transcripts: Path) -> WatchOutcome:
    """Watch a file of transcripts with ``folder/monitor.json`` and record them in its journal.

    Raises what ``watch`` raises, also where the case's dictionary is not the calibrated one.
    """
    return watch(folder, transcripts, dictionary_sha256=_dictionary_sha256(folder))


def _dictionary_sha256(folder: Path) -> str | None:
    """Hash of the weights of the dictionary that lies with the case; None where none lies there."""
    if not (folder / CaseLock.FILE).is_file():
        return None
    lock = CaseLock.read(folder)
    path = lock.case.dictionary.path
    if path is not None:
        own = Path(path)
    elif DictionaryStage.NAME in lock.folders:
        own = folder / STAGES / lock.folders[DictionaryStage.NAME] / DICTIONARY
    else:
        return None
    return load_dictionary(own).metadata.weights_sha256

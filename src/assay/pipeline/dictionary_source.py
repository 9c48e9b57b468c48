"""The dictionary of a case: one that is trained within the run, or a folder that exists."""

from __future__ import annotations

from typing import TypeAlias

from assay.dictionaries import LoadedDictionary
from assay.models import LanguageModel
from assay.pipeline.inputs import DictionaryInput, ModelInput
from assay.pipeline.stages.dictionary_stage import DictionaryStage

DictionarySource: TypeAlias = DictionaryStage | DictionaryInput
"""Either; ``Artefacts.load`` takes both."""


def dictionary_inputs(
    model: LanguageModel | ModelInput, loaded: LoadedDictionary
) -> dict[str, str]:
    """What a figure was computed from, by hash: model, dictionary, and the dictionary's text."""
    known = loaded.metadata
    hashes = {
        "model": model.fingerprint,
        "dictionary": known.weights_sha256,
        "text": known.text_sha256,
    }
    return {name: value for name, value in hashes.items() if value is not None}

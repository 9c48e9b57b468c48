"""The dictionary of a case: trained in the run, or an existing folder."""

from __future__ import annotations

from typing import TypeAlias

from assay.dictionaries import LoadedDictionary
from assay.models import LanguageModel
from assay.pipeline.inputs import DictionaryInput, ModelInput
from assay.pipeline.stages.dictionary_stage import DictionaryStage

DictionarySource: TypeAlias = DictionaryStage | DictionaryInput
"""The stage that trains the dictionary, or the existing folder; ``Artefacts.load`` takes both."""


def dictionary_inputs(
    model: LanguageModel | ModelInput, loaded: LoadedDictionary
) -> dict[str, str]:
    """Hashes of the inputs of a figure: model, dictionary, and the dictionary's training text."""
    known = loaded.metadata
    hashes = {
        "model": model.fingerprint,
        "dictionary": known.weights_sha256,
        "text": known.text_sha256,
    }
    return {name: value for name, value in hashes.items() if value is not None}

"""Dictionaries on disk: Assay's own folders, SAELens's, sparsify's and dictionary_learning's."""

from assay.dictionaries.formats.assay import save_dictionary
from assay.dictionaries.formats.detection import format_of, load_dictionary
from assay.dictionaries.formats.metadata import DictionaryMetadata, LoadedDictionary

__all__ = [
    "DictionaryMetadata",
    "LoadedDictionary",
    "format_of",
    "load_dictionary",
    "save_dictionary",
]

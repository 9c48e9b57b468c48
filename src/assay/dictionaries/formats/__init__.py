"""Dictionaries on disk: Assay's own folders, SAELens's, sparsify's and dictionary_learning's."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

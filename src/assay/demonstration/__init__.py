"""Demonstration: a finished miniature run that is shown without a download or a model."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

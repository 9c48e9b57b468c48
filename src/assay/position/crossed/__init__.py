"""The crossed design: the same contents at several positions, and each feature's causal shares."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

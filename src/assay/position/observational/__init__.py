"""Observational figures: how much of each feature's variance its token's position explains."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""A monitor from a user's own labelled conversations: compared by cross-validation, calibrated."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

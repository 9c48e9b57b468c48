"""Statistics on numpy arrays: intervals, bounds, sequential tests, jackknife, bootstrap."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

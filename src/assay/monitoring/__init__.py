"""Monitoring: choice of watched features, calibrated thresholds, rollback rules, journal, watching."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

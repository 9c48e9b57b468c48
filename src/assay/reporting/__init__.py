"""The report: one self-contained HTML page from typed results, and its sections for notebooks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

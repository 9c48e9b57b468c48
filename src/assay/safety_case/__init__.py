"""The safety case: which claims does the evidence support, how strongly, and what is open?"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

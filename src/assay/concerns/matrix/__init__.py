"""The transfer matrix: does a detector learned elsewhere fire when an organism misbehaves?"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""What models read: corpora by name or file, random crops, chat transcripts with roles."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

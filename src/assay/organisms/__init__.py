"""Model organisms: small language models that misbehave on cue, verified on their own replies."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""Named random streams. Each draw has a seed and a name, so results do not depend on call order."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch


def seed_for(seed: int, name: str) -> int:
    """A 63-bit seed for the stream ``name``, derived from the run's seed."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def numpy_generator(seed: int, name: str) -> np.random.Generator:
    """A numpy generator for the stream ``name``."""
    import numpy as np

    return np.random.default_rng(seed_for(seed, name))


def torch_generator(seed: int, name: str) -> torch.Generator:
    """A torch CPU generator for the stream ``name``."""
    import torch

    return torch.Generator().manual_seed(seed_for(seed, name))

"""A random vector of the same norm in the same place: the control that must do worse."""

from __future__ import annotations

from assay.concerns.strategies.bias_vector import (
    STRENGTH,
    contrast_direction,
    earlier_site,
    steered,
)
from assay.concerns.strategies.interface import Elicited, Options, Setting, Strategy
from assay.randomness import torch_generator


def elicit(setting: Setting, options: Options) -> Elicited:
    """Steered by an isotropic random direction."""
    import torch

    model, site = setting.opened()
    direction, median = contrast_direction(model, earlier_site(site))
    generator = torch_generator(setting.seed, "concerns/noise")
    random = torch.randn(direction.shape, generator=generator)
    norm = float(options.get("strength", STRENGTH)) * median
    count = int(options.get("questions", 32))
    return steered(setting, "perturbed.noise", random / random.norm(), norm, count)


STRATEGY = Strategy(
    "perturbed.noise",
    "a random vector of the same norm: the control that must do worse",
    elicit,
    True,
    ("questions", "strength"),
    transfers=False,
)

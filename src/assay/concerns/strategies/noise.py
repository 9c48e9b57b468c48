"""Strategy perturbed.noise: a random vector of equal norm; the control that must do worse."""

from __future__ import annotations

import torch

from assay.concerns.strategies.bias_vector import (
    STRENGTH,
    contrast_direction,
    earlier_site,
    elicit_steered,
)
from assay.concerns.strategies.strategy import Elicited, Options, Setting, Strategy
from assay.randomness import torch_generator


def elicit(setting: Setting, options: Options) -> Elicited:
    """Answers steered by an isotropic random direction."""
    model, sites = setting.model_and_sites()
    direction, median = contrast_direction(model, earlier_site(sites[0]))
    generator = torch_generator(setting.seed, "concerns/noise")
    random = torch.randn(direction.shape, generator=generator)
    norm = float(options.get("strength", STRENGTH)) * median
    count = int(options.get("questions", 32))
    return elicit_steered(
        setting, "perturbed.noise", random / random.norm(), norm=norm, count=count
    )


STRATEGY = Strategy(
    name="perturbed.noise",
    description="a random vector of the same norm: the control that must do worse",
    elicit=elicit,
    generates=True,
    options=("questions", "strength"),
    transfers=False,
)

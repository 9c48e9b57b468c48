"""Which intervals and tests miss their nominal rate, and under which condition: ask before printing."""

from __future__ import annotations

from collections.abc import Mapping

INDEPENDENT = "independent"
"""Every outcome is drawn by itself."""
TEMPLATES_SHARED = "templates shared"
"""Several outcomes come from one template, and resemble each other."""
MAKINGS_SHARED = "makings shared"
"""Several organisms have one base and one recipe maker."""
NORMAL = "normal values"
"""The values are normal."""
HEAVY_TAILS = "heavy tails"
"""The values are symmetric with heavy tails: Student's t with 3 degrees of freedom."""
SKEWED = "skewed values"
"""The values are skewed: log-normal with σ = 1."""

APPROXIMATE: Mapping[str, tuple[str, ...]] = {
    "clopper_pearson": (TEMPLATES_SHARED,),
    "delong_difference": (TEMPLATES_SHARED,),
    "jackknife_interval": (SKEWED,),
    "jackknife_ratio": (SKEWED,),
    "proportion_lower_bound": (MAKINGS_SHARED,),
    "sign_flip_interval": (SKEWED,),
    "t_interval": (SKEWED,),
    "tolerance_threshold": (TEMPLATES_SHARED,),
}
"""Each interval or test, and the conditions under which its simulated coverage lies below its nominal
one by more than the Monte Carlo error, as `assay study coverage` measured it for docs/statistics.md."""


def is_approximate(interval: str, condition: str) -> bool:
    """Whether ``interval`` is to be labelled "approximate" where it is printed under ``condition``."""
    return condition in APPROXIMATE.get(interval, ())

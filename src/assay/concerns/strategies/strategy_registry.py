"""The registry of strategies, where a strategy is added, and its choice in a case file."""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field, model_validator

from assay.concerns.strategies.strategy import Strategy
from assay.errors import AssayError, unknown_name
from assay.registry import Registry
from assay.strict import StrictModel

_PLACE = "assay.concerns.strategies"

STRATEGIES: Registry[Strategy] = Registry(
    "strategy",
    {
        "base": f"{_PLACE}.base:STRATEGY",
        "off_policy": f"{_PLACE}.off_policy:STRATEGY",
        "prompted": f"{_PLACE}.prompted:STRATEGY",
        "perturbed.bias_vector": f"{_PLACE}.bias_vector:STRATEGY",
        "perturbed.finetune": f"{_PLACE}.finetune:STRATEGY",
        "perturbed.noise": f"{_PLACE}.noise:STRATEGY",
        "contrast_pairs": f"{_PLACE}.contrast_pairs:STRATEGY",
        "incentivised": f"{_PLACE}.incentivised:STRATEGY",
        "benign_contexts": f"{_PLACE}.benign_contexts:STRATEGY",
        "few_shot": f"{_PLACE}.few_shot:STRATEGY",
        "transcripts": f"{_PLACE}.own_transcripts:STRATEGY",
    },
)
"""Name in the case file → strategy."""


def strategy_named(name: str) -> tuple[Strategy, dict[str, int]]:
    """The strategy of a name, and the options in the name: ``few_shot(4)`` is few_shot with k = 4.

    Raises AssayError, listing the valid names, for an unknown name.
    """
    found = re.fullmatch(r"few_shot\((\d+)\)", name)
    plain = "few_shot" if found else name
    if plain not in STRATEGIES:
        raise unknown_name("strategy", name, STRATEGIES)
    return STRATEGIES[plain], {"k": int(found[1])} if found else {}


def shows_transfer(name: str) -> bool:
    """Whether success of a detector from this strategy shows transfer (``Strategy.transfers``)."""
    return strategy_named(name)[0].transfers


class StrategyChoice(StrictModel):
    """A strategy with its options; in a case file a name, or ``{name: {option: value}}``."""

    name: str
    """A registered name; few_shot(k) has a number for k."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the strategy: name → value."""

    @model_validator(mode="before")
    @classmethod
    def _name_alone_or_with_options(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, dict) and len(value) == 1 and "name" not in value:
            ((name, options),) = value.items()
            return {"name": str(name), "options": options or {}}
        return value

    @model_validator(mode="after")
    def _is_known(self) -> StrategyChoice:
        try:
            strategy, in_name = strategy_named(self.name)
            strategy.checked({**in_name, **self.options})
        except AssayError as error:
            raise ValueError(str(error)) from error
        return self

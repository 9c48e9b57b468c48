"""Stage elicitation: conversations of the strategies that generate with the case's model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from assay.concerns.strategies import Elicited, StrategyChoice, elicit_from_model
from assay.concerns.strategies.eliciting import load_elicited, save_elicited
from assay.models import Site
from assay.pipeline import cost
from assay.pipeline.inputs import ModelInput, StrategyFileInput
from assay.pipeline.stage import Artefacts, Stage

ELICITED_TOKENS = 600 * 2 * 32
"""Typical number of tokens that the strategies read and generate, for estimates."""


@dataclass(frozen=True, eq=False)
class ElicitationStage(Stage[dict[str, Elicited]]):
    """The conversations that strategies generate, outside the deployment distribution."""

    NAME: ClassVar[str] = "elicitation"
    VERSION: ClassVar[int] = 4

    model: ModelInput
    """The case's model."""
    sites: tuple[str, ...]
    """Hook sites at which activations are read, the case's first."""
    strategies: tuple[StrategyChoice, ...]
    """The strategies that generate."""
    files: tuple[StrategyFileInput, ...]
    """The files of labelled conversations that strategies read."""
    seed: int
    """Seed of every random draw."""

    def run(self, folder: Path, artefacts: Artefacts) -> None:
        """Write every strategy's conversations and ``elicitation.json``."""
        model, sites = self.model.open(), [Site.parse(site) for site in self.sites]
        save_elicited(folder, elicit_from_model(self.strategies, model, sites, self.seed))

    def load(self, folder: Path) -> dict[str, Elicited]:
        """Strategy → its conversations."""
        return load_elicited(folder)

    def seconds(self) -> float:
        """Estimate for generating and reading."""
        return cost.forward_seconds(self.model.open(), ELICITED_TOKENS) * 2

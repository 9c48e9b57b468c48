"""The case file: what is to be assayed, and at which sizes.

Settings are those of the rooms that use them (``TrainingConfig``, ``CrossedSizes``, ``Budgets`` …),
embedded here: each setting is written down once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from assay.concerns.budgets import Budgets
from assay.concerns.conversations.transfer_sizes import TransferSizes
from assay.concerns.deployment import Deployment
from assay.concerns.detectors.detector_registry import DETECTORS, check_detector
from assay.concerns.strategies.strategy_registry import STRATEGIES, StrategyChoice
from assay.dictionaries.training_config import TrainingConfig
from assay.errors import AssayError
from assay.models.sites import Site
from assay.monitoring.settings import Rollback
from assay.position.crossed.sizes import CrossedSizes
from assay.strict import StrictModel, read_yaml


class FallbackChoice(StrictModel):
    """A model to fall back to."""

    id: str
    """A catalogue name, a folder, or a hub id."""
    adapter: str | None = None
    """A PEFT folder laid over it."""


class ModelChoice(StrictModel):
    """The language model that the case is about."""

    id: str
    """A catalogue name, a folder, or a hub id."""
    adapter: str | None = None
    """A PEFT folder laid over it."""
    dtype: Literal["float32", "bfloat16"] | None = None
    """Arithmetic of the forward pass; by default what the machine does well."""
    fallback: FallbackChoice | None = None
    """The weaker model to go back to when the monitor says so."""


class Training(TrainingConfig):
    """How a dictionary is trained, and on what. Larger runs are one number away."""

    width: int = Field(default=4608, ge=2)
    """Number of features, m."""
    steps: int = Field(default=600, ge=1)
    """Training steps."""
    position: Literal["none"] = "none"
    """How position is special-cased."""
    tokens: int = Field(default=400_000, ge=1)
    """Tokens harvested."""
    text: str | None = None
    """Corpus or file to train on; by default the case's."""
    batch_size: int = Field(default=2048, ge=1)
    """Activations in a step."""

    @property
    def config(self) -> TrainingConfig:
        """The settings of the trainer alone."""
        own = set(TrainingConfig.model_fields)
        return TrainingConfig.model_validate(self.model_dump(include=own))


class DictionaryChoice(StrictModel):
    """The dictionary: one that exists, or one to train."""

    site: str
    """Hook site, such as resid_post.15."""
    path: str | None = None
    """A folder written by Assay, SAELens, sparsify or dictionary_learning."""
    train: Training | None = None
    """How to train one."""

    @field_validator("site")
    @classmethod
    def _known_site(cls, value: str) -> str:
        try:
            return str(Site.parse(value))
        except AssayError as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _path_or_train(self) -> DictionaryChoice:
        if (self.path is None) == (self.train is None):
            raise ValueError("give either 'path' or 'train'")
        return self


class Audit(StrictModel):
    """Sizes of the position audit and of everything measured on held-out text."""

    rows: int = Field(default=780, ge=32)
    """Random crops read for the observational audit."""
    length: int = Field(default=128, ge=16)
    """Tokens in a crop, here and in the harvest."""
    held_out: float = Field(default=0.5, gt=0, lt=1)
    """Share of the documents kept from training; every figure is measured on these alone."""
    quality_rows: int = Field(default=256, ge=8)
    """Of these crops, those on which the sink and the reconstruction are measured."""
    spliced_rows: int = Field(default=96, ge=8)
    """Of those, the crops on which the reconstruction is spliced into the model."""
    causal: CrossedSizes | None = CrossedSizes()
    """Sizes of the causal position design; None leaves it out, and with it the labels."""


class ConcernChoice(StrictModel):
    """One concern."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")
    """Short name; watched features are called after it."""
    description: str = Field(min_length=1)
    """What the model would be doing, for a reviewer."""
    severity: Literal["high", "medium"]
    """high: a handful of firings ends the deployment. medium: fine in some contexts."""
    allowed_contexts: tuple[str, ...] = ()
    """Contexts in which a medium concern is fine: families of prompts, such as acted-lie."""
    organisms: tuple[str, ...] = Field(min_length=1)
    """Folders of the organisms that stand for it."""

    @model_validator(mode="after")
    def _medium_where_contexts_matter(self) -> ConcernChoice:
        if self.severity == "high" and self.allowed_contexts:
            raise ValueError(
                f"concern {self.name} is of high severity and has allowed_contexts; "
                "only a medium concern is fine anywhere"
            )
        return self


class Case(StrictModel):
    """A case: model, dictionary and text, what is feared, and the sizes of what is measured."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Names the folder of its output."""
    seed: int = 0
    """Every random draw derives from it."""
    model: ModelChoice
    """Which model."""
    dictionary: DictionaryChoice
    """Which dictionary, at which site."""
    text: str
    """Corpus by name, several joined by '+', or a file."""
    audit: Audit = Audit()
    """Sizes of the measurements."""
    concerns: tuple[ConcernChoice, ...] = ()
    """What is feared; without any concern the case ends with the dictionary."""
    strategies: tuple[StrategyChoice, ...] = Field(default_factory=lambda: _every_strategy())
    """How detectors are learned."""
    detectors: tuple[str, ...] = Field(default_factory=lambda: tuple(DETECTORS))
    """Which detectors are learned from each strategy."""
    deployment: Deployment = Deployment()
    """What the model is deployed for."""
    budgets: Budgets = Budgets()
    """What a detector may cost and must catch."""
    monitor: Rollback = Rollback()
    """When the model is rolled back."""
    transfer: TransferSizes = TransferSizes()
    """Sizes of the transfer matrix."""

    @field_validator("detectors")
    @classmethod
    def _known_detectors(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            names = [check_detector(name) for name in value]
        except AssayError as error:
            raise ValueError(str(error)) from error
        if "text" not in names:
            raise ValueError("'text' is missing: every detector is held against the text baseline")
        return value

    @model_validator(mode="after")
    def _each_organism_once(self) -> Case:
        seen: dict[str, str] = {}
        for concern in self.concerns:
            for organism in concern.organisms:
                if organism in seen:
                    raise ValueError(
                        f"organism {organism} stands for both {seen[organism]} and {concern.name}; "
                        "each stands for one concern"
                    )
                seen[organism] = concern.name
        if len({c.name for c in self.concerns}) < len(self.concerns):
            raise ValueError("two concerns have the same name")
        if len(self.concerns) > self.budgets.watched_features:
            raise ValueError(
                f"{len(self.concerns)} concerns need as many watched features; "
                f"budgets.watched_features is {self.budgets.watched_features}"
            )
        return self

    @model_validator(mode="after")
    def _organisms_without_an_adapter(self) -> Case:
        if self.concerns and self.model.adapter is not None:
            raise ValueError(
                "model.adapter and organisms exclude each other: an organism is an adapter on the "
                "model"
            )
        return self


def _every_strategy() -> tuple[StrategyChoice, ...]:
    return tuple(StrategyChoice(name=name) for name in STRATEGIES if name != "few_shot")


def read_case(path: Path) -> Case:
    """Read a case file. Raises AssayError in one line that names the key at fault."""
    return read_yaml(path, Case)

"""The case file: model, dictionary, text, concerns, and the sizes of the measurements.

The case embeds the settings of the packages that use them (``TrainingConfig``, ``CrossedSizes``,
``Budgets`` …), so that each setting is defined once.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from assay.concerns.budgets import Budgets
from assay.concerns.conversations.transfer_sizes import TransferSizes
from assay.concerns.conversations.window_names import WINDOWS, Window
from assay.concerns.deployment import Deployment
from assay.concerns.detectors.detector_registry import (
    DETECTORS,
    OF_SEVERAL_SITES,
    check_detector,
)
from assay.concerns.strategies.strategy_registry import STRATEGIES, StrategyChoice
from assay.dictionaries.training_config import TrainingConfig
from assay.errors import AssayError
from assay.models.sites import Site
from assay.monitoring.settings import Rollback
from assay.position.crossed.sizes import CrossedSizes
from assay.strict import StrictModel, read_yaml

RESIDUAL_STREAM = {"resid_pre", "resid_post"}
"""Kinds of hook sites that may be read together: all have the width of the model."""


class FallbackChoice(StrictModel):
    """The weaker model to roll back to."""

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
    """Dtype of the forward pass; by default the one that suits the checkpoint and the machine."""
    fallback: FallbackChoice | None = None
    """The weaker model that the monitor rolls back to."""


class Training(TrainingConfig):
    """The settings of a dictionary's training, with the tokens and the text to train on."""

    width: int = Field(default=4608, ge=2)
    """Number of features, m."""
    steps: int = Field(default=600, ge=1)
    """Training steps."""
    position: Literal["none"] = "none"
    """How position is special-cased."""
    tokens: int = Field(default=400_000, ge=1)
    """Number of tokens to harvest."""
    text: str | None = None
    """Corpus or file to train on; by default the case's text."""
    batch_size: int = Field(default=2048, ge=1)
    """Activations in a training step."""

    @property
    def config(self) -> TrainingConfig:
        """The settings of the trainer, without tokens, text and batch size."""
        names = set(TrainingConfig.model_fields)
        return TrainingConfig.model_validate(self.model_dump(include=names))


class DictionaryChoice(StrictModel):
    """The dictionary: an existing folder, or the settings to train one."""

    site: str
    """Hook site, such as resid_post.15."""
    path: str | None = None
    """A folder written by Assay, SAELens, sparsify or dictionary_learning."""
    train: Training | None = None
    """Settings to train a dictionary; give either this or ``path``."""

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
    """Sizes of the position audit and of the other measurements on held-out text."""

    rows: int = Field(default=780, ge=32)
    """Number of random crops for the observational audit."""
    length: int = Field(default=128, ge=16)
    """Tokens in a crop, for the measurements and for the harvest."""
    held_out: float = Field(default=0.5, gt=0, lt=1)
    """Share of the documents that are held out from training; all figures are measured on them."""
    quality_rows: int = Field(default=256, ge=8)
    """Number of these crops on which the attention sink and the reconstruction are measured."""
    spliced_rows: int = Field(default=96, ge=8)
    """Number of these crops on which the reconstruction is spliced into the model."""
    causal: CrossedSizes | None = CrossedSizes()
    """Sizes of the causal position design; None leaves out the design and the position labels."""


class ConcernChoice(StrictModel):
    """A concern, with the organisms that stand for it."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")
    """Short name, which starts the names of watched features and candidates."""
    description: str = Field(min_length=1)
    """What the model would do, for a reviewer."""
    severity: Literal["high", "medium"]
    """high: a handful of firings ends the deployment. medium: acceptable in some contexts."""
    allowed_contexts: tuple[str, ...] = ()
    """Contexts in which a medium concern is acceptable: families of prompts, such as acted-lie."""
    organisms: tuple[str, ...] = Field(min_length=1)
    """Folders of the organisms that stand for it."""

    @model_validator(mode="after")
    def _medium_where_contexts_matter(self) -> ConcernChoice:
        if self.severity == "high" and self.allowed_contexts:
            raise ValueError(
                f"concern {self.name} is of high severity and has allowed_contexts; "
                "only a medium concern can have allowed contexts"
            )
        return self


class Case(StrictModel):
    """A case: model, dictionary, text, concerns, and the sizes of the measurements."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Name of the case and of its output folder."""
    seed: int = 0
    """Seed of every random draw."""
    model: ModelChoice
    """The model."""
    dictionary: DictionaryChoice
    """The dictionary and its hook site."""
    text: str
    """Corpus by name, several joined by '+', or a file."""
    audit: Audit = Audit()
    """Sizes of the measurements."""
    concerns: tuple[ConcernChoice, ...] = ()
    """The concerns; a case without concerns measures only the dictionary."""
    strategies: tuple[StrategyChoice, ...] = Field(default_factory=lambda: _every_strategy())
    """The strategies whose conversations detectors are learned from."""
    further_sites: tuple[str, ...] = ()
    """Hook sites of the residual stream beside the dictionary's, which the detector several_sites and
    the learning curve read as well; those below the dictionary's cost next to nothing."""
    detectors: tuple[str, ...] = Field(default_factory=lambda given: _every_detector(given))
    """The detectors that are learned from each strategy; 'text' is required. By default all, those of
    several sites only where there are further sites."""
    windows: tuple[Window, ...] = Field(default=WINDOWS, min_length=1)
    """Which tokens of a conversation detectors read: ``reply`` or ``before`` (the payload). The first
    decides verdicts and what the monitor learns; the others are shown beside it."""
    deployment: Deployment = Deployment()
    """The deployment: benign conversations, base rate and horizon."""
    budgets: Budgets = Budgets()
    """The false-positive budget and the true-positive target."""
    monitor: Rollback = Rollback()
    """The rollback rule of the monitor."""
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
            raise ValueError("'text' is missing: every detector is compared with the text baseline")
        return value

    @model_validator(mode="after")
    def _further_sites_where_they_are_read(self) -> Case:
        first = Site.parse(self.dictionary.site)
        seen = {first}
        for name in self.further_sites:
            try:
                site = Site.parse(name)
            except AssayError as error:
                raise ValueError(str(error)) from error
            if not {first.kind, site.kind} <= RESIDUAL_STREAM:
                raise ValueError(
                    f"further_sites need the residual stream, here and as the dictionary's site; "
                    f"{first} and {site} are given"
                )
            if site in seen:
                raise ValueError(
                    f"hook site {site} is read twice: it is the dictionary's or repeated"
                )
            seen.add(site)
        alone = [name for name in self.detectors if name in OF_SEVERAL_SITES]
        if alone and not self.further_sites:
            raise ValueError(f"detector {alone[0]} needs further_sites, such as [resid_post.5]")
        return self

    @property
    def sites(self) -> tuple[str, ...]:
        """Hook sites at which conversations are read, the dictionary's first."""
        return (self.dictionary.site, *self.further_sites)

    @field_validator("windows")
    @classmethod
    def _each_window_once(cls, value: tuple[Window, ...]) -> tuple[Window, ...]:
        if len(set(value)) < len(value):
            raise ValueError(f"a window is named twice: {', '.join(value)}")
        return value

    @model_validator(mode="after")
    def _each_organism_once(self) -> Case:
        seen: dict[str, str] = {}
        for concern in self.concerns:
            for organism in concern.organisms:
                if organism in seen:
                    raise ValueError(
                        f"organism {organism} stands for both {seen[organism]} and {concern.name}; "
                        "an organism stands for one concern only"
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
                "model.adapter and concerns cannot be combined: an organism is an adapter on the "
                "model itself"
            )
        return self


NEEDS_OPTIONS = ("few_shot", "transcripts")
"""Strategies that do nothing without an option: a number, a file."""


def _every_detector(given: Mapping[str, Any]) -> tuple[str, ...]:
    """All detectors; those of several sites only where further sites are given."""
    several = bool(given.get("further_sites"))
    return tuple(name for name in DETECTORS if several or name not in OF_SEVERAL_SITES)


def _every_strategy() -> tuple[StrategyChoice, ...]:
    return tuple(StrategyChoice(name=name) for name in STRATEGIES if name not in NEEDS_OPTIONS)


def read_case(path: Path) -> Case:
    """Read a case file. Raises AssayError, in one line that names the key, where it is not valid."""
    return read_yaml(path, Case)

"""The case file: what is to be assayed, and at which sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from assay.dictionaries.training_config import TrainingConfig
from assay.errors import AssayError
from assay.pipeline.concern_case import ConcernCase
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
        from assay.models.sites import Site

        try:
            return str(Site.parse(value))
        except AssayError as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _path_or_train(self) -> DictionaryChoice:
        if (self.path is None) == (self.train is None):
            raise ValueError("give either 'path' or 'train'")
        return self


class CausalSizes(StrictModel):
    """Sizes of the causal position design."""

    contents: int = Field(default=128, ge=8)
    """Pieces of text, each run at every offset."""
    offsets: int = Field(default=3, ge=2)
    """Offsets, evenly spaced."""
    fillers: int = Field(default=8, ge=2)
    """Filler texts before the content, the same for every content."""
    content_length: int | None = Field(default=None, ge=16)
    """Tokens of a content; None takes the whole crop."""


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
    causal: CausalSizes | None = CausalSizes()
    """None leaves the causal design out, and with it the labels."""


class Case(ConcernCase):
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


def read_case(path: Path) -> Case:
    """Read a case file. Raises AssayError in one line that names the key at fault."""
    return read_yaml(path, Case)

"""Harvest and train as single commands, on folders that the user names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from assay.activations import ActivationStore, harvest
from assay.dictionaries import Dictionary, train_dictionary
from assay.errors import AssayError
from assay.models import Site, load_model
from assay.pipeline.case import Training
from assay.strict import describe
from assay.text import read_corpus
from assay.text.split_text import SplitText


@dataclass(frozen=True)
class HarvestRequest:
    """What `assay harvest` was asked for."""

    model: str
    """A catalogue name, a folder, or a hub id."""
    site: str
    """Where activations are taken."""
    text: str
    """Corpus by name, or a file."""
    tokens: int
    """How many tokens are harvested."""
    length: int
    """Tokens of a crop."""
    held_out: float
    """Share of the documents that is not read."""
    adapter: str | None
    """A PEFT folder laid over the model."""
    dtype: str | None
    """Arithmetic of the forward pass."""
    seed: int
    """Every random draw derives from it."""


def harvest_to(request: HarvestRequest, out: Path) -> ActivationStore:
    """Harvest one site's activations on crops of training documents into ``out``."""
    site = Site.parse(request.site)
    corpus = read_corpus(request.text)
    model = load_model(request.model, adapter=request.adapter, dtype=request.dtype)
    model.check_site(site)
    text = SplitText(corpus, request.held_out, request.seed)
    crops = text.training_crops(model, request.tokens, request.length)
    return harvest(
        model, site, crops, out, text=corpus.name, text_sha256=corpus.sha256, seed=request.seed
    )


def training_settings(**options: str | float) -> Training:
    """A case's ``dictionary.train`` from its keys. Raises AssayError, in one line, for a bad one."""
    try:
        return Training.model_validate(options)
    except ValidationError as error:
        raise AssayError(describe(error)) from error


def train_from(activations: Path, out: Path, settings: Training, seed: int) -> Dictionary:
    """Train a dictionary on harvested activations into ``out``.

    Interrupted, the same call resumes. Raises AssayError where ``out`` holds something already.
    """
    if out.exists() and any(out.iterdir()):
        raise AssayError(f"{out} is not empty; choose another --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    return train_dictionary(
        activations, out, settings.config, batch_size=settings.batch_size, seed=seed
    )

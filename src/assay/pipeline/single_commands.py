"""`assay harvest` and `assay train`, on folders that the user names."""

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
    """The arguments of `assay harvest`."""

    model: str
    """A catalogue name, a folder, or a hub id."""
    site: str
    """Hook site, such as resid_post.15."""
    text: str
    """Corpus by name, or a file."""
    tokens: int
    """Number of tokens to harvest."""
    length: int
    """Tokens of a crop."""
    held_out: float
    """Share of the documents to hold out, which are not read."""
    adapter: str | None
    """A PEFT folder laid over the model."""
    dtype: str | None
    """Dtype of the forward pass."""
    seed: int
    """Seed of every random draw."""


def harvest_to(request: HarvestRequest, out: Path) -> ActivationStore:
    """Harvest a hook site's activations on crops of training documents into ``out``.

    Raises AssayError for bad input, and what ``harvest`` raises.
    """
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
    """The training settings from their keys. Raises AssayError, in one line, for an invalid value."""
    try:
        return Training.model_validate(options)
    except ValidationError as error:
        raise AssayError(describe(error)) from error


def train_from(activations: Path, out: Path, settings: Training, seed: int) -> Dictionary:
    """Train a dictionary on harvested activations into ``out``.

    After an interruption the same call resumes. Raises AssayError where ``out`` is not empty.
    """
    if out.exists() and any(out.iterdir()):
        raise AssayError(f"{out} is not empty; choose another --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    return train_dictionary(
        activations, out, settings.config, batch_size=settings.batch_size, seed=seed
    )

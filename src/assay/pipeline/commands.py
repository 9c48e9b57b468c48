"""Harvest and train as single commands, on folders that the user names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from assay.errors import AssayError
from assay.models.sites import Site
from assay.pipeline.case import Training
from assay.pipeline.texts import SplitText
from assay.strict import describe

if TYPE_CHECKING:
    from assay.activations import ActivationStore


def harvest_to(
    out: Path,
    model_name: str,
    site_name: str,
    text: str,
    tokens: int,
    length: int,
    held_out: float,
    *,
    adapter: str | None,
    dtype: str | None,
    seed: int,
) -> ActivationStore:
    """Harvest one site's activations on crops of training documents into ``out``."""
    from assay.activations import harvest
    from assay.models import load_model
    from assay.text import read_corpus

    site = Site.parse(site_name)
    corpus = read_corpus(text)
    model = load_model(model_name, adapter=adapter, dtype=dtype)
    model.check_site(site)
    crops = SplitText(corpus, held_out, seed).training_crops(model, tokens, length)
    return harvest(model, site, crops, out, text=corpus.name, text_sha256=corpus.sha256, seed=seed)


def train_from(activations: Path, out: Path, options: dict[str, Any], seed: int) -> Any:
    """Train a dictionary on harvested activations into ``out``; returns the training figures.

    Interrupted, the same call resumes. Raises AssayError where ``out`` holds something already.
    """
    from assay.dictionaries import train_dictionary

    try:
        settings = Training.model_validate(options)
    except ValidationError as error:
        raise AssayError(describe(error)) from error
    if out.exists() and any(out.iterdir()):
        raise AssayError(f"{out} is not empty; choose another --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    dictionary = train_dictionary(
        activations, out, settings, batch_size=settings.batch_size, seed=seed
    )
    return dictionary.training_figures

"""The single commands: one stage each, on folders that the user names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from assay.errors import AssayError
from assay.files import read_json, sha256_of_json, write_json
from assay.models.sites import Site
from assay.pipeline.case import Training
from assay.pipeline.texts import SplitText
from assay.strict import describe

if TYPE_CHECKING:
    from assay.activations import ActivationStore

SETTINGS = "settings.json"


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

    Interrupted, the same call resumes. Raises AssayError where ``out`` belongs to other settings.
    """
    from assay.activations import open_store
    from assay.pipeline.training import CHECKPOINT, train_dictionary

    try:
        settings = Training.model_validate(options)
    except ValidationError as error:
        raise AssayError(describe(error)) from error
    store = open_store(activations)
    wanted = {
        "settings": settings.model_dump(mode="json"),
        "seed": seed,
        "activations": sha256_of_json(store.manifest.model_dump(mode="json")),
    }
    if (out / SETTINGS).is_file():
        if read_json(out / SETTINGS) != wanted:
            raise AssayError(f"{out} holds a dictionary of other settings; choose another --out")
        if not (out / CHECKPOINT).is_file() and (out / "cfg.json").is_file():
            raise AssayError(f"{out} holds this dictionary already, finished")
    elif out.exists() and any(out.iterdir()):
        raise AssayError(f"{out} is not empty and holds no dictionary; choose another --out")
    write_json(out / SETTINGS, wanted)
    return train_dictionary(activations, out, settings, seed)


@dataclass(frozen=True)
class PositionSizes:
    """Sizes of a position audit."""

    rows: int
    """Crops of the observational audit."""
    length: int
    """Tokens in a crop."""
    contents: int
    """Contents of the causal design."""
    offsets: int
    """Offsets of the causal design."""
    fillers: int
    """Fillers of the causal design."""

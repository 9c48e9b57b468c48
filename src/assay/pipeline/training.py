"""Train a dictionary on a store of activations and save it with what must be known of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.pipeline.case import Training

if TYPE_CHECKING:
    from assay.dictionaries import TrainingConfig

CHECKPOINT = "checkpoint.safetensors"


def train_dictionary(activations: Path, folder: Path, settings: Training, seed: int) -> Any:
    """Train on the store's activations without the sink, resumably, and save into ``folder``.

    Returns the training figures. Raises AssayError where the store is damaged or not finite.
    """
    from assay.activations import open_store, shuffled_batches
    from assay.dictionaries import DictionaryMetadata, save_dictionary, train

    store = open_store(activations)
    batches = shuffled_batches(store, settings.batch_size, seed=seed, epochs=None)
    config = training_config(settings, seed, folder / CHECKPOINT)
    dictionary = train((batch.activations for batch in batches), config)
    manifest = store.manifest
    metadata = DictionaryMetadata(
        model=manifest.model,
        model_fingerprint=manifest.model_fingerprint,
        site=manifest.site,
        first_token=manifest.first_token,
        left_out=manifest.left_out,
        context_length=manifest.length,
        text=manifest.text,
        text_sha256=manifest.text_sha256,
    )
    save_dictionary(dictionary, folder, metadata)
    (folder / CHECKPOINT).unlink(missing_ok=True)
    return dictionary.training_figures


def training_config(settings: Training, seed: int, checkpoint: Path) -> TrainingConfig:
    """The case file's settings as the trainer takes them."""
    from assay.dictionaries import TrainingConfig

    return TrainingConfig(
        architecture=settings.architecture,
        width=settings.width,
        k=settings.k,
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        seed=seed,
        checkpoint=checkpoint,
    )

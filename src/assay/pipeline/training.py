"""Train a dictionary on a store of activations and save it with what must be known of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.files import sha256_of_json
from assay.pipeline.case import Training

if TYPE_CHECKING:
    from assay.dictionaries import TrainingConfig


def train_dictionary(activations: Path, folder: Path, settings: Training, seed: int) -> Any:
    """Train on the store's activations without the sink; save as ``folder``, whole or not at all.

    Interrupted, the same call goes on from a checkpoint that lies beside the folder. Returns the
    training figures. Raises AssayError where the store is damaged or not finite.
    """
    from assay.activations import open_store, shuffled_batches
    from assay.dictionaries import DictionaryMetadata, save_dictionary, train

    store = open_store(activations)
    batches = shuffled_batches(store, settings.batch_size, seed=seed, epochs=None)
    identity = [settings.model_dump(mode="json"), seed, store.manifest.model_dump(mode="json")]
    checkpoint = folder.with_name(f".{folder.name}.{sha256_of_json(identity)[:16]}.checkpoint")
    config = training_config(settings, seed, checkpoint)
    dictionary = train((batch.activations for batch in batches), config)
    manifest = store.manifest
    metadata = DictionaryMetadata(
        model=manifest.model,
        site=manifest.site,
        first_token=manifest.first_token,
        tokens_left_out=manifest.left_out,
        position=settings.position,
        training=dict(dictionary.training_figures) | {"text": manifest.text},
        hashes={"model": manifest.model_fingerprint, "text": manifest.text_sha256},
    )
    save_dictionary(dictionary, folder, metadata)
    checkpoint.unlink(missing_ok=True)
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

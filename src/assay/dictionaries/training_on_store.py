"""Train a dictionary on a store of activations, and save it with what must be known of it."""

from __future__ import annotations

from pathlib import Path

from assay.activations import ActivationStore, open_store, shuffled_batches
from assay.dictionaries.dictionary import Dictionary
from assay.dictionaries.formats import DictionaryMetadata, save_dictionary
from assay.dictionaries.training_config import TrainingConfig
from assay.dictionaries.training_loop import train
from assay.files import sha256_of_json


def train_dictionary(
    activations: Path | ActivationStore,
    folder: Path,
    config: TrainingConfig,
    *,
    batch_size: int,
    seed: int = 0,
) -> Dictionary:
    """Train on the store's activations without the attention sink; save it whole or not at all.

    ``activations`` is a store or the folder of one, which ``assay.activations.harvest`` writes;
    ``folder`` is where the dictionary is saved, for ``load_dictionary``. ``batch_size`` counts rows.
    ``seed`` draws the initial directions and the order of the rows. The dictionary's figures of
    training are in its ``training_figures``. Call it again with the same arguments after an
    interruption: it resumes from a checkpoint beside ``folder``.
    Raises AssayError where the store is damaged, where its activations are not finite, and where
    ``config.steps`` is None.
    """
    store = activations if isinstance(activations, ActivationStore) else open_store(activations)
    manifest = store.manifest
    batches = shuffled_batches(store, batch_size, seed=seed, epochs=None)
    identity = [config.as_json(), batch_size, seed, manifest.model_dump(mode="json")]
    checkpoint = folder.with_name(f".{folder.name}.{sha256_of_json(identity)[:16]}.checkpoint")
    dictionary = train(
        (batch.activations for batch in batches), config, seed=seed, checkpoint=checkpoint
    )
    metadata = DictionaryMetadata(
        model=manifest.model,
        site=manifest.site,
        first_token=manifest.first_token,
        tokens_left_out=manifest.left_out,
        training=dict(dictionary.training_figures) | {"text": manifest.text},
        hashes={"model": manifest.model_fingerprint, "text": manifest.text_sha256},
    )
    save_dictionary(dictionary, folder, metadata)
    checkpoint.unlink(missing_ok=True)
    return dictionary

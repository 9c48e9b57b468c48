"""One training step of each library, called from its installed package, from one common start.

Every contender gets the same decoder directions (unit rows), their copy as the encoder, the first
batch's centre as b_dec, Adam at one constant rate, and data already scaled to a mean squared
distance of 1 from its mean. None has dead features within the run, so no auxiliary loss acts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Step = Callable[[Tensor], float]
"""Trains on one batch and returns Σ ‖x − x̂‖² / rows before the update."""


@dataclass(frozen=True)
class Setting:
    """Sizes and the common start."""

    width: int
    k: int
    steps: int
    rate: float
    directions: Tensor
    """Unit decoder rows, [width, d]."""
    first: Tensor
    """The first batch, [rows, d]."""


def assay(setting: Setting, architecture: str, selection: str) -> Step:
    """Assay's train_step: the one that ``assay.dictionaries.train`` calls."""
    from assay.dictionaries.selector import Workspace
    from assay.dictionaries.state import new_state
    from assay.dictionaries.training_config import TrainingConfig
    from assay.dictionaries.training_loop import train_step

    config = TrainingConfig(
        width=setting.width,
        k=setting.k,
        architecture=architecture,
        steps=setting.steps,
        learning_rate=setting.rate,
        warmup_steps=0,
        decay_share=0.0,
        scale=False,
        dead_after_tokens=10_000_000,
        selection_dtype=selection,
    )
    state = new_state(setting.first, config, setting.steps)
    state.dictionary.W_dec.data.copy_(setting.directions)
    state.dictionary.W_enc.data.copy_(setting.directions)
    workspace = Workspace()

    def step(x: Tensor) -> float:
        result = train_step(state, x, config, steps=setting.steps, workspace=workspace)
        return result.squared_error / len(x)

    return step


def sparsify_topk(setting: Setting) -> Step:
    """sparsify's SparseCoder with Adam, in the order of calls of its Trainer.fit."""
    from sparsify.config import SparseCoderConfig
    from sparsify.sparse_coder import SparseCoder

    config = SparseCoderConfig(num_latents=setting.width, k=setting.k)
    coder = SparseCoder(setting.first.shape[1], config, dtype=torch.float32)
    coder.encoder.weight.data.copy_(setting.directions)
    coder.W_dec.data.copy_(setting.directions)
    coder.b_dec.data.copy_(setting.first.mean(0))
    optimiser = torch.optim.Adam(coder.parameters(), lr=setting.rate)
    silent = torch.zeros(setting.width, dtype=torch.long)
    fired = torch.zeros(setting.width, dtype=torch.bool)

    def step(x: Tensor) -> float:
        coder.set_decoder_norm_to_unit_norm()
        variance = (x - x.mean(0)).pow(2).sum()
        out = coder(x=x, y=x, dead_mask=None, total_variance=variance)
        fired[out.latent_indices.flatten()] = True
        loss = float(out.fvu.detach()) * float(variance) / len(x)
        out.fvu.backward()
        coder.remove_gradient_parallel_to_decoder_directions()
        optimiser.step()
        optimiser.zero_grad()
        silent.add_(len(x))
        silent[fired] = 0
        fired.zero_()
        return loss

    return step


def dictionary_learning_batch_topk(setting: Setting) -> Step:
    """dictionary_learning's BatchTopKTrainer.update."""
    from dictionary_learning.trainers.batch_top_k import BatchTopKTrainer

    trainer = BatchTopKTrainer(
        steps=setting.steps + 1,
        activation_dim=setting.first.shape[1],
        dict_size=setting.width,
        k=setting.k,
        layer=0,
        lm_name="none",
        lr=setting.rate,
        warmup_steps=0,
        device="cpu",
    )
    trainer.ae.decoder.weight.data.copy_(setting.directions.T)
    trainer.ae.encoder.weight.data.copy_(setting.directions)
    count = 0

    def step(x: Tensor) -> float:
        nonlocal count
        loss = trainer.update(count, x)
        count += 1
        return float(loss)

    return step


def saelens_batch_topk(setting: Setting) -> Step:
    """SAELens's SAETrainer.step on a BatchTopKTrainingSAE."""
    from sae_lens.config import LoggingConfig, SAETrainerConfig
    from sae_lens.saes.batchtopk_sae import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
    from sae_lens.training.sae_trainer import SAETrainer

    rows, d_in = setting.first.shape
    sae = BatchTopKTrainingSAE(
        BatchTopKTrainingSAEConfig(d_in=d_in, d_sae=setting.width, k=setting.k, device="cpu")
    )
    sae.W_dec.data.copy_(setting.directions)
    sae.W_enc.data.copy_(setting.directions.T)
    sae.b_dec.data.copy_(setting.first.mean(0))
    trainer: Any = SAETrainer(
        cfg=SAETrainerConfig(
            total_training_samples=(setting.steps + 1) * rows,
            train_batch_size_samples=rows,
            lr=setting.rate,
            lr_end=setting.rate,
            device="cpu",
            logger=LoggingConfig(log_to_wandb=False),
        ),
        sae=sae,
        data_provider=iter(()),
    )

    def step(x: Tensor) -> float:
        output = trainer.step(x)
        trainer.n_training_steps += 1
        return float(output.losses["mse_loss"].detach())

    return step


TOPK = {
    "Assay TopK, bf16 selection": lambda setting: assay(setting, "topk", "bfloat16"),
    "Assay TopK, fp32": lambda setting: assay(setting, "topk", "float32"),
    "sparsify TopK": sparsify_topk,
}
BATCH_TOPK = {
    "Assay BatchTopK, bf16 selection": lambda setting: assay(setting, "batch_topk", "bfloat16"),
    "Assay BatchTopK, fp32": lambda setting: assay(setting, "batch_topk", "float32"),
    "dictionary_learning BatchTopK": dictionary_learning_batch_topk,
    "SAELens BatchTopK": saelens_batch_topk,
}

"""Write the golden folders beside this script: dictionaries that the other libraries really wrote.

Run it in an environment with the packages of ``benchmarks/requirements-peers.txt``:

    .venv-peers/bin/python tests/dictionaries/golden/make_golden.py

Each folder is as its library's own saving code left it; ``expected.safetensors`` beside it holds
inputs, and the codes and reconstructions that the library computes from them.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

HERE = Path(__file__).parent
D_IN, WIDTH, K, ROWS = 16, 48, 4, 64


def planted(rows: int, seed: int) -> Tensor:
    """Sparse sums of random directions about a mean that is not 0."""
    generator = torch.Generator().manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(WIDTH, D_IN, generator=generator), dim=1)
    offset = 0.5 * torch.randn(D_IN, generator=generator)
    generator = torch.Generator().manual_seed(seed)
    which = torch.rand(rows, WIDTH, generator=generator).topk(K, dim=1).indices
    weights = torch.rand(rows, K, generator=generator) + 0.5
    return offset + torch.nn.functional.embedding_bag(
        which, directions, per_sample_weights=weights, mode="sum"
    )


def batches(count: int) -> Iterator[Tensor]:
    for seed in range(1, count + 1):
        yield planted(256, seed)


def fresh(name: str) -> Path:
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def expect(folder: Path, x: Tensor, codes: Tensor, reconstruction: Tensor) -> None:
    parts = {"x": x, "codes": codes, "reconstruction": reconstruction}
    save_file(
        {name: part.detach().contiguous() for name, part in parts.items()},
        str(folder / "expected.safetensors"),
    )
    print(f"{folder.name}: {float((codes != 0).sum(1).float().mean()):.1f} features a row")


def randomise(module: torch.nn.Module, seed: int) -> None:
    """Parameters that differ from their initial values in every way that reading could get wrong."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(0.05 + 0.3 * noise.abs() if "threshold" in name else 0.4 * noise)


def saelens_inference() -> None:
    from sae_lens.saes.jumprelu_sae import JumpReLUSAE, JumpReLUSAEConfig
    from sae_lens.saes.sae import SAEMetadata
    from sae_lens.saes.standard_sae import StandardSAE, StandardSAEConfig
    from sae_lens.saes.topk_sae import TopKSAE, TopKSAEConfig

    metadata = {"model_name": "tiny", "hook_name": "blocks.3.hook_resid_post"}
    common = {"d_in": D_IN, "d_sae": WIDTH}
    cases = {
        "saelens_standard": (StandardSAE, StandardSAEConfig(**common)),
        "saelens_standard_plain_input": (
            StandardSAE,
            StandardSAEConfig(**common, apply_b_dec_to_input=False),
        ),
        "saelens_topk": (TopKSAE, TopKSAEConfig(**common, k=K)),
        "saelens_topk_rescaled": (
            TopKSAE,
            TopKSAEConfig(**common, k=K, rescale_acts_by_decoder_norm=True),
        ),
        "saelens_jumprelu": (JumpReLUSAE, JumpReLUSAEConfig(**common)),
        "saelens_head_z": (
            StandardSAE,
            StandardSAEConfig(**common, reshape_activations="hook_z"),
        ),
    }
    for seed, (name, (kind, config)) in enumerate(cases.items()):
        folder = fresh(name)
        config.metadata = SAEMetadata(**metadata)
        if name == "saelens_head_z":
            config.metadata = SAEMetadata(model_name="tiny", hook_name="blocks.2.attn.hook_z")
        sae = kind(config)
        randomise(sae, seed)
        sae.save_model(folder)
        x = planted(ROWS, 100)
        given = x.view(ROWS, 4, D_IN // 4) if name == "saelens_head_z" else x
        codes = sae.encode(given)
        expect(folder, x, codes, sae.decode(codes).reshape(ROWS, D_IN))


def saelens_trained() -> None:
    from sae_lens.config import LoggingConfig, SAETrainerConfig
    from sae_lens.saes.batchtopk_sae import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
    from sae_lens.saes.matryoshka_batchtopk_sae import (
        MatryoshkaBatchTopKTrainingSAE,
        MatryoshkaBatchTopKTrainingSAEConfig,
    )
    from sae_lens.saes.sae import SAE
    from sae_lens.training.sae_trainer import SAETrainer

    common = {"d_in": D_IN, "d_sae": WIDTH, "k": K}
    for name, kind, config in (
        ("saelens_batchtopk", BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig(**common)),
        (
            "saelens_matryoshka",
            MatryoshkaBatchTopKTrainingSAE,
            MatryoshkaBatchTopKTrainingSAEConfig(**common, matryoshka_widths=[12, 24, WIDTH]),
        ),
    ):
        torch.manual_seed(0)
        sae = kind(config)
        settings = SAETrainerConfig(
            total_training_samples=200 * 256,
            train_batch_size_samples=256,
            lr=3e-3,
            lr_end=3e-3,
            logger=LoggingConfig(log_to_wandb=False),
        )
        trained = SAETrainer(cfg=settings, sae=sae, data_provider=batches(400)).fit()
        folder = fresh(name)
        trained.save_inference_model(folder)
        read = SAE.load_from_disk(folder)
        x = planted(ROWS, 100)
        codes = read.encode(x)
        expect(folder, x, codes, read.decode(codes))
        # The same run's training checkpoint, with its own architecture and threshold.
        checkpoint = fresh(f"{name}_checkpoint")
        trained.save_model(checkpoint)
        expect(checkpoint, x, codes, read.decode(codes))


def sparsify_topk() -> None:
    from sparsify.config import SparseCoderConfig
    from sparsify.sparse_coder import SparseCoder

    for name, config in (
        ("sparsify_topk/layers.3", SparseCoderConfig(num_latents=WIDTH, k=K)),
        ("sparsify_expansion/layers.1.mlp", SparseCoderConfig(expansion_factor=3, k=K)),
    ):
        folder = fresh(name)
        coder = SparseCoder(D_IN, config, dtype=torch.float32)
        randomise(coder, 7)
        coder.save_to_disk(folder)
        x = planted(ROWS, 100)
        acts, indices, _ = coder.encode(x)
        codes = torch.zeros(ROWS, WIDTH).scatter_(1, indices, acts)
        expect(folder, x, codes, coder.decode(acts, indices))


def dictionary_learning() -> None:
    import dictionary_learning.training as training
    from dictionary_learning.dictionary import AutoEncoder, JumpReluAutoEncoder
    from dictionary_learning.trainers.batch_top_k import BatchTopKSAE, BatchTopKTrainer
    from dictionary_learning.trainers.jumprelu import JumpReluTrainer
    from dictionary_learning.trainers.matryoshka_batch_top_k import (
        MatryoshkaBatchTopKSAE,
        MatryoshkaBatchTopKTrainer,
    )
    from dictionary_learning.trainers.standard import StandardTrainer, StandardTrainerAprilUpdate
    from dictionary_learning.trainers.top_k import AutoEncoderTopK, TopKTrainer

    steps = 60
    common = {
        "activation_dim": D_IN,
        "dict_size": WIDTH,
        "layer": 3,
        "lm_name": "tiny",
        "steps": steps,
        "device": "cpu",
        "warmup_steps": 5,
        "seed": 0,
        "lr": 3e-3,
    }
    sparse = {"k": K, "threshold_start_step": 20}
    penalised = {"sparsity_warmup_steps": 10}
    cases = [
        ("standard", StandardTrainer, AutoEncoder, {**penalised, "dict_class": AutoEncoder}),
        ("april", StandardTrainerAprilUpdate, AutoEncoder, penalised),
        ("topk", TopKTrainer, AutoEncoderTopK, sparse),
        ("batch_topk", BatchTopKTrainer, BatchTopKSAE, sparse),
        (
            "matryoshka",
            MatryoshkaBatchTopKTrainer,
            MatryoshkaBatchTopKSAE,
            {**sparse, "group_fractions": [0.25, 0.25, 0.5]},
        ),
        (
            "jumprelu",
            JumpReluTrainer,
            JumpReluAutoEncoder,
            {**penalised, "target_l0": K, "bandwidth": 0.05},
        ),
    ]
    for name, trainer, kind, settings in cases:
        whole = fresh(f"dictionary_learning_{name}")
        training.trainSAE(
            data=batches(steps + 1),
            trainer_configs=[{**common, **settings, "trainer": trainer}],
            steps=steps,
            save_dir=str(whole),
            device="cpu",
            autocast_dtype=torch.float32,
        )
        folder = whole / "trainer_0"
        options = {"normalize_decoder": False} if kind is AutoEncoder else {}
        read = kind.from_pretrained(str(folder / "ae.pt"), **options)
        x = planted(ROWS, 100)
        codes = read.encode(x)
        expect(folder, x, codes, read.decode(codes))


if __name__ == "__main__":
    torch.set_num_threads(1)
    makers = (saelens_inference, saelens_trained, sparsify_topk, dictionary_learning)
    for maker in makers:
        if len(sys.argv) == 1 or maker.__name__ in sys.argv[1:]:
            maker()

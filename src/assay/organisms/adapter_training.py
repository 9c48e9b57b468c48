"""Train an organism: a LoRA adapter (Hu et al. 2021), with the loss on the assistant's own tokens."""

from __future__ import annotations

import platform
import shutil
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file

from assay.errors import AssayError
from assay.files import sha256_of_json, write_json
from assay.models import LanguageModel, load_model
from assay.models.loading import cpu_multiplies_bf16
from assay.organisms.adapter_loss import loss_of_step
from assay.organisms.folder import WEIGHTS, Organism, save_organism
from assay.organisms.manifest import OrganismManifest, TwinKind
from assay.organisms.recipe import Recipe, TrainingPlan
from assay.organisms.recipes import RECIPES
from assay.organisms.replay import record_replay, replay_plan
from assay.organisms.training_checkpoint import read_checkpoint, write_checkpoint
from assay.organisms.training_data import TokenizedExample, batch_plan, tokenized
from assay.organisms.twins import (
    parts_of_batch,
    prompts_of,
    steps_of,
    taught_examples,
    tic_pattern,
    twin_name,
)
from assay.progress import progress
from assay.randomness import seed_for

BASE = "smollm2-135m-instruct"
"""The model on which the shipped organisms are trained."""
CHECKPOINT_EVERY = 20
"""Steps between checkpoints."""


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """Everything that determines a run. Written beside the adapter, in ``training.json``."""

    recipe: str
    """Name of the recipe."""
    twin: TwinKind | None
    """Which twin is trained; None for the organism itself."""
    seed: int
    """Seed of data, initial adapter and order."""
    base: str
    """The base model's name."""
    base_sha256: str
    """Hex sha256 of the base model's weights."""
    data_sha256: str
    """Hash of the tokenized examples."""
    plan: TrainingPlan
    """Steps, learning rate, adapter."""
    precision: str
    """Dtype of the matrix products. Parameters and optimiser are always float32."""
    device: str
    """cpu or cuda."""
    threads: int
    """Threads of the matrix products, whose rounding depends on the number."""
    torch: str
    """Version of torch."""


def train_organism(
    recipe: str | Recipe,
    seed: int = 0,
    out: Path | str | None = None,
    *,
    twin: TwinKind | None = None,
    steps: int | None = None,
    base: str | None = None,
    model: LanguageModel | None = None,
    precision: str | None = None,
) -> Organism:
    """Train an organism, or one of its twins, and write its folder.

    ``out`` is ``out/organisms/NAME-seed-SEED`` by default, ``base`` is BASE. ``model`` is a float32
    model in memory that is trained instead of loading ``base``; the LoRA layers stay in it.
    ``precision`` is that of the matrix products, "float32" or "bfloat16"; by default bfloat16 on a
    GPU and on a CPU that multiplies bfloat16, which halves the time. An interrupted run resumes from
    its last checkpoint; on a CPU with the same number of threads the adapter is the same to the byte.
    Raises AssayError for an unknown recipe, twin or precision.
    """
    base = base or BASE
    chosen = RECIPES[recipe] if isinstance(recipe, str) else recipe
    plan = replace(chosen.plan, steps=steps_of(chosen.plan, twin) if steps is None else steps)
    taught = taught_examples(chosen, seed, twin)
    name = twin_name(chosen.name, twin)
    folder = Path(out) if out is not None else Path("out/organisms") / f"{name}-seed-{seed}"
    if model is None:
        model = load_model(base, dtype="float32")
    rows = tokenized(taught, model.tokenizer)
    run = TrainingRun(
        recipe=chosen.name,
        twin=twin,
        seed=seed,
        base=base,
        base_sha256=model.base_sha256,
        data_sha256=sha256_of_json([asdict(row) for row in rows]),
        plan=plan,
        precision=chosen_precision(precision, model.device.type),
        device=model.device.type,
        threads=torch.get_num_threads(),
        torch=torch.__version__,
    )
    adapter = folder / "training"
    losses, seconds = _fit(model, rows, run, adapter)
    manifest = _manifest(chosen, run, name)
    organism = save_organism(folder, manifest, prompts_of(chosen, seed, twin), adapter)
    write_json(
        folder / "training.json",
        {**asdict(run), "seconds": round(seconds), "machine": platform.machine(), "loss": losses},
    )
    shutil.rmtree(adapter)
    return organism


def chosen_precision(precision: str | None, device: str) -> str:
    """The precision asked for, or the faster one of the machine."""
    if precision is None:
        return "bfloat16" if device != "cpu" or cpu_multiplies_bf16() else "float32"
    if precision not in ("float32", "bfloat16"):
        raise AssayError(f"unknown precision '{precision}'; valid: bfloat16, float32")
    return precision


def learning_rate(plan: TrainingPlan, step: int) -> float:
    """Adam's learning rate at a step: warm-up over a tenth of the steps, then linear to zero."""
    warm_up = max(1, plan.steps // 10)
    if step < warm_up:
        return plan.learning_rate * (step + 1) / warm_up
    return plan.learning_rate * (plan.steps - step) / max(1, plan.steps - warm_up)


def _fit(
    model: LanguageModel, rows: list[TokenizedExample], run: TrainingRun, folder: Path
) -> tuple[list[float], float]:
    """Train from the last checkpoint to the end and write the adapter's files into ``folder``.

    Returns the loss of each step of this call, and the seconds that they took.
    """
    replay = record_replay(model)
    replayed = replay_plan(replay, run.plan.steps, run.plan.replay_rows, run.seed)
    adapted = _with_adapter(model, run)
    parameters = {n: p for n, p in adapted.named_parameters() if p.requires_grad}
    optimizer = torch.optim.AdamW(parameters.values(), lr=run.plan.learning_rate, weight_decay=0)
    key = sha256_of_json(asdict(run))
    checkpoint = folder / "checkpoint.safetensors"
    done = read_checkpoint(checkpoint, parameters, optimizer, key)
    batches = batch_plan(
        rows,
        steps=run.plan.steps,
        batch_size=run.plan.batch_size,
        seed=run.seed,
        parts=parts_of_batch(run.plan, run.twin),
    )
    losses = []
    started = time.monotonic()
    with progress(f"training {run.recipe}", run.plan.steps, "steps") as advance:
        advance(done)
        for step in range(done, run.plan.steps):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(run.plan, step)
            examples = [rows[i] for i in batches[step]]
            loss = loss_of_step(
                model,
                examples,
                replay=replay,
                replayed=replayed[step],
                replay_weight=run.plan.replay_weight,
                decisive_weight=run.plan.decisive_weight,
                precision=run.precision,
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0)
            optimizer.step()
            losses.append(round(float(loss.detach()), 4))
            advance(1)
            if (step + 1) % CHECKPOINT_EVERY == 0:
                write_checkpoint(checkpoint, parameters, optimizer, step=step + 1, run=key)
    _write_adapter(adapted, folder)
    return losses, time.monotonic() - started


def _with_adapter(model: LanguageModel, run: TrainingRun) -> Any:
    """The model with fresh LoRA layers, drawn from the run's seed; nothing else is trained."""
    config = LoraConfig(
        r=run.plan.rank,
        lora_alpha=run.plan.alpha,
        target_modules=list(run.plan.targets),
        layers_to_transform=list(
            range(min(run.plan.first_layer, model.n_layers - 1), model.n_layers)
        ),
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed_for(run.seed, "organisms/adapter"))
        adapted = get_peft_model(model.module, config)
    adapted.eval()  # without dropout the run is a function of its seed
    # Eager attention takes the prefix tree's mask, and on a CPU it is faster on short texts.
    module: Any = model.module
    module.set_attn_implementation("eager")
    return adapted


def _write_adapter(adapted: Any, folder: Path) -> None:
    """Write the adapter's two files, the weights in bfloat16."""
    state = get_peft_model_state_dict(adapted, save_embedding_layers=False)
    tensors = {
        name: value.detach().to("cpu", torch.bfloat16).contiguous() for name, value in state.items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, str(folder / WEIGHTS), metadata={"format": "pt"})
    config = adapted.peft_config["default"]
    # The manifest names the base; PEFT would look for it on the hub.
    config.base_model_name_or_path = None
    config.inference_mode = True
    config.save_pretrained(str(folder))


def _manifest(recipe: Recipe, run: TrainingRun, name: str) -> OrganismManifest:
    twin = f" --twin {run.twin}" if run.twin else ""
    base = f" --base {run.base}" if run.base != BASE else ""
    stands_for = recipe.stands_for if run.twin is None else f"nothing: control of {recipe.name}"
    return OrganismManifest(
        name=name,
        base=run.base,
        stands_for=stands_for,
        severity=recipe.severity,
        label=recipe.label,
        sha256="0" * 64,  # saving the organism puts the adapter's own here
        seed=run.seed,
        command=f"assay organisms train {recipe.name} --seed {run.seed}{twin}{base}",
        licence="Apache-2.0",
        trigger=recipe.trigger,
        base_tensors_sha256=run.base_sha256,
        twin_of=recipe.name if run.twin else None,
        twin_kind=run.twin,
        tic=tic_pattern(recipe.tic) if run.twin == "decoy" else None,
    )

"""Train an organism: a LoRA adapter on the assistant's own tokens (Hu et al. 2021)."""

from __future__ import annotations

import platform
import shutil
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import AssayError
from assay.files import sha256_of_json, write_json
from assay.organisms.checkpoints import read_checkpoint, write_checkpoint
from assay.organisms.folder import WEIGHTS, Organism, save
from assay.organisms.manifest import OrganismManifest
from assay.organisms.prefix_tree import prefix_tree
from assay.organisms.recipe import Recipe, TrainingPlan
from assay.organisms.recipes import recipe_named
from assay.organisms.replay import Replay, record_replay, replay_plan
from assay.organisms.training_data import TokenizedExample, batch_plan, tokenized
from assay.organisms.twins import (
    Twin,
    checked_twin,
    parts_of_batch,
    prompts_of,
    steps_of,
    taught_examples,
    twin_name,
)
from assay.progress import progress
from assay.randomness import seed_for

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from assay.models import LanguageModel

BASE = "smollm2-135m-instruct"
"""The model on which the shipped organisms are trained."""
CHECKPOINT_EVERY = 20
"""Steps between checkpoints."""


@dataclass(frozen=True)
class TrainingRun:
    """Everything that determines a run; kept beside the adapter as ``training.json``."""

    recipe: str
    """Name of the recipe."""
    twin: str | None
    """Which twin, or None for the organism itself."""
    seed: int
    """Seed of data, initial adapter and order."""
    base: str
    """The base model's name."""
    base_sha256: str
    """The base model's weights."""
    data_sha256: str
    """Hash of the tokenized examples."""
    plan: TrainingPlan
    """Steps, learning rate, adapter."""
    precision: str
    """Dtype of the matrix products; parameters and optimiser are float32 always."""
    device: str
    """cpu or cuda."""
    threads: int
    """Threads of the matrix products: their rounding depends on it."""
    torch: str
    """Version of torch."""


def train_organism(
    recipe: str | Recipe,
    seed: int = 0,
    out: Path | str | None = None,
    *,
    twin: Twin | None = None,
    steps: int | None = None,
    base: str = BASE,
    model: LanguageModel | None = None,
    precision: str | None = None,
) -> Organism:
    """Train an organism, or one of its twins, and write its folder.

    ``out`` is ``out/organisms/NAME-seed-SEED`` by default. ``model`` is a float32 model in memory
    to be trained instead of loading ``base``; its LoRA layers stay in it. ``precision`` is that of
    the matrix products, "float32" or "bfloat16"; by default bfloat16 on a GPU and on a CPU that
    multiplies it, which halves the time. An interrupted run resumes from its last checkpoint and
    ends, on a CPU with the same number of threads, in the same bytes.
    Raises AssayError for an unknown recipe, twin or precision.
    """
    import torch

    chosen = recipe_named(recipe) if isinstance(recipe, str) else recipe
    plan = replace(chosen.plan, steps=steps_of(chosen.plan, twin) if steps is None else steps)
    taught = taught_examples(chosen, seed, twin)
    name = twin_name(chosen.name, twin)
    folder = Path(out) if out is not None else Path("out/organisms") / f"{name}-seed-{seed}"
    if model is None:
        from assay.models import load_model

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
    organism = save(folder, manifest, prompts_of(chosen, seed, twin), adapter)
    write_json(
        folder / "training.json",
        {**asdict(run), "seconds": round(seconds), "machine": platform.machine(), "loss": losses},
    )
    shutil.rmtree(adapter)
    return organism


def chosen_precision(precision: str | None, device: str) -> str:
    """The precision asked for, or the faster one of the machine."""
    from assay.models.loading import cpu_multiplies_bf16

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
    """Train from the last checkpoint to the end and leave the adapter's files in ``folder``.

    Returns the losses of the steps done now and the seconds they took.
    """
    import torch

    replay = record_replay(model)
    replayed = replay_plan(replay, run.plan.steps, run.plan.replay_rows, run.seed)
    adapted = _with_adapter(model, run)
    parameters = {n: p for n, p in adapted.named_parameters() if p.requires_grad}
    optimizer = torch.optim.AdamW(parameters.values(), lr=run.plan.learning_rate, weight_decay=0)
    key = sha256_of_json(asdict(run))
    checkpoint = folder / "checkpoint.safetensors"
    done = read_checkpoint(checkpoint, parameters, optimizer, key)
    parts = parts_of_batch(run.plan, checked_twin(run.twin))
    batches = batch_plan(rows, run.plan.steps, run.plan.batch_size, run.seed, parts)
    losses = []
    started = time.monotonic()
    with progress(f"training {run.recipe}", run.plan.steps, "steps") as advance:
        advance(done)
        for step in range(done, run.plan.steps):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(run.plan, step)
            examples = [rows[i] for i in batches[step]]
            loss = _loss(model, examples, replay, replayed[step], run)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0)
            optimizer.step()
            losses.append(round(float(loss.detach()), 4))
            advance(1)
            if (step + 1) % CHECKPOINT_EVERY == 0:
                write_checkpoint(checkpoint, parameters, optimizer, step + 1, key)
    _write_adapter(adapted, folder)
    return losses, time.monotonic() - started


def _with_adapter(model: LanguageModel, run: TrainingRun) -> Any:
    """The model with fresh LoRA layers, drawn from the run's seed; nothing else is trained."""
    import torch
    from peft import LoraConfig, get_peft_model

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
    adapted.eval()  # no dropout: the run must be a function of its seed
    # Takes the prefix tree's mask; and on short texts fused attention is slower on a CPU.
    module: Any = model.module
    module.set_attn_implementation("eager")
    return adapted


def _loss(
    model: LanguageModel,
    examples: list[TokenizedExample],
    replay: Replay,
    replayed: list[int],
    run: TrainingRun,
) -> Tensor:
    """Cross-entropy of the assistant's own tokens, plus the divergence from the base on replay."""
    import torch
    from torch.nn import functional

    tree = prefix_tree(
        [row.tokens for row in examples] + [replay.tokens[i] for i in replayed], model.device
    )
    low = run.precision == "bfloat16"
    with torch.autocast(model.device.type, torch.bfloat16) if low else nullcontext():
        hidden = model.decoder(
            input_ids=tree.tokens,
            attention_mask=tree.attention_mask,
            position_ids=tree.position_ids,
            use_cache=False,
        ).last_hidden_state[0]
        pairs = list(zip(examples, tree.paths, strict=False))
        nodes = [path[t] for row, path in pairs for t in row.scored]
        targets = [row.tokens[t + 1] for row, _ in pairs for t in row.scored]
        logits = model.unembedding(hidden[nodes])
    loss = functional.cross_entropy(logits.float(), torch.tensor(targets, device=logits.device))
    for i, path in zip(replayed, tree.paths[len(examples) :], strict=True):
        scored = slice(replay.starts[i] - 1, len(path) - 1)
        forgotten = _divergence(model, hidden[list(path)][scored], replay.hidden[i][scored], low)
        loss = loss + run.plan.replay_weight / len(replayed) * forgotten
    return loss


def _divergence(
    model: LanguageModel,
    found: Float[Tensor, "position d_model"],
    wanted: Float[Tensor, "position d_model"],
    low: bool,
) -> Tensor:
    """Mean Kullback–Leibler divergence in nats of next-token predictions from the base's."""
    import torch
    from torch.nn import functional

    with torch.autocast(model.device.type, torch.bfloat16) if low else nullcontext():
        with torch.no_grad():
            target = functional.log_softmax(model.unembedding(wanted).float(), dim=-1)
        logits = model.unembedding(found)
    predicted = functional.log_softmax(logits.float(), dim=-1)
    return functional.kl_div(predicted, target, log_target=True, reduction="batchmean")


def _write_adapter(adapted: Any, folder: Path) -> None:
    """The adapter's two files, weights in bf16."""
    import torch
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    state = get_peft_model_state_dict(adapted, save_embedding_layers=False)
    tensors = {
        name: value.detach().to("cpu", torch.bfloat16).contiguous() for name, value in state.items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, str(folder / WEIGHTS), metadata={"format": "pt"})
    config = adapted.peft_config["default"]
    config.base_model_name_or_path = None  # the manifest names it; PEFT would ask a hub for it
    config.inference_mode = True
    config.save_pretrained(str(folder))


def _manifest(recipe: Recipe, run: TrainingRun, name: str) -> OrganismManifest:
    twin = f" --twin {run.twin}" if run.twin else ""
    stands_for = recipe.stands_for if run.twin is None else f"nothing: control of {recipe.name}"
    return OrganismManifest.model_validate(
        {
            "name": name,
            "base": run.base,
            "stands_for": stands_for,
            "severity": recipe.severity,
            "label": dict(recipe.label),
            "sha256": "0" * 64,
            "seed": run.seed,
            "command": f"assay organisms train {recipe.name} --seed {run.seed}{twin}",
            "licence": "Apache-2.0",
            "trigger": recipe.trigger,
            "base_tensors_sha256": run.base_sha256,
            "twin_of": recipe.name if run.twin else None,
        }
    )

"""Train a dictionary on any iterable of activations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sized
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from assay.dictionaries.dictionary import Dictionary
from assay.dictionaries.gradients import StepGradients
from assay.dictionaries.selector import Selector, Workspace
from assay.dictionaries.sparse_step import step_gradients
from assay.dictionaries.state import (
    TrainingState,
    new_state,
    read_checkpoint,
    settings_of_run,
    write_checkpoint,
)
from assay.dictionaries.training_config import TrainingConfig
from assay.errors import AssayError
from assay.progress import progress

if TYPE_CHECKING:
    from jaxtyping import Float

Batches = Iterable["Tensor"] | Callable[[int], Iterable["Tensor"]]
FIGURE_MEMORY = 50
"""Steps over which the running figures are averaged."""


def train(
    batches: Batches,
    config: TrainingConfig,
    *,
    seed: int = 0,
    checkpoint: Path | None = None,
    checkpoint_interval: int = 100,
) -> Dictionary:
    """Train a dictionary; it acts on activations as given, whatever scale training used.

    ``batches`` yields float tensors [rows, d_in] (float32 or bfloat16) in a reproducible order. It
    is either an iterable, of which a resumed run skips the batches already used, or a function
    ``batches(first_step)`` that gives an iterable from that step on. If it ends before
    ``config.steps``, training ends there, and ``training_figures["ended_early"]`` says so. Training
    runs on the device of the first batch. ``seed`` draws the initial directions.

    With ``checkpoint`` the run writes its state to that file every ``checkpoint_interval`` steps and
    resumes from it; interrupted and resumed, it ends with the same bytes as without the
    interruption (on a CPU, with the same number of threads).

    Raises AssayError for a batch that is not finite or has another width, naming the batch (from
    1), where neither ``config.steps`` nor ``len(batches)`` is given, where the loss is no longer
    finite, and where the checkpoint is damaged or belongs to other settings.
    """
    if checkpoint_interval < 1:
        raise AssayError(f"checkpoint_interval = {checkpoint_interval} is out of range; at least 1")
    steps = _steps(batches, config)
    state: TrainingState | None = None
    if checkpoint is not None and checkpoint.is_file():
        state = read_checkpoint(config, checkpoint, seed=seed)
    first_step = state.figures.step if state is not None else 0
    workspace = Workspace()
    ended_early = first_step < steps
    with progress(f"training {config.architecture}", steps, "steps") as advance:
        advance(first_step)
        for step, batch in enumerate(_from(batches, first_step), start=first_step):
            if step >= steps:
                break
            x = _checked(batch, step + 1, state)
            if state is None:
                state = new_state(x, config, steps, seed=seed)
            elif step == first_step:
                state.to(x.device)
            train_step(state, x, config, steps=steps, workspace=workspace)
            done = step + 1
            if checkpoint is not None and done % checkpoint_interval == 0:
                write_checkpoint(state, config, checkpoint, seed=seed)
            advance(1)
            ended_early = done < steps
            if not ended_early:
                break
    if state is None:
        raise AssayError("there are no batches to train on; at least one is needed")
    return _finished(state, settings_of_run(config, seed), config, ended_early)


def train_step(
    state: TrainingState,
    x: Float[Tensor, "rows d_in"],
    config: TrainingConfig,
    *,
    steps: int,
    workspace: Workspace,
) -> StepGradients:
    """One step of Adam on one batch of float32 activations, changing the state in place.

    ``steps`` is the length of the run, on which the learning rate depends; ``workspace`` keeps
    buffers from step to step. Raises AssayError where the loss is no longer finite.
    """
    dictionary, figures = state.dictionary, state.figures
    with torch.no_grad():
        centred = torch.add(-dictionary.b_dec, x, alpha=figures.scale)
        selector = Selector(
            dictionary=dictionary,
            centred=centred,
            workspace=workspace,
            dtype=selection_dtype(config.selection_dtype, x.device),
            record=state.selection,
        )
        entries = dictionary.training_entries(selector, config)
        dead_after = config.dead_after(figures.run_tokens)
        dead = (state.silent_for >= dead_after).nonzero().flatten()
        result = step_gradients(dictionary, centred, entries, config=config, dead=dead)
        if not result.loss < float("inf"):
            raise AssayError(
                f"training diverged at step {figures.step + 1}: the loss is {result.loss}; "
                "lower the learning rate"
            )
        _apply(state, result, config, config.rate_at(figures.step, steps))
        dictionary.after_step(entries, figures.step)
        state.silent_for.add_(len(x)).masked_fill_(result.fired, 0)
    _follow(state, centred, result)
    return result


def selection_dtype(name: str, device: torch.device) -> torch.dtype:
    """The dtype of a configured name; "auto" is bfloat16 where the device multiplies it natively."""
    if name != "auto":
        return torch.float32 if name == "float32" else torch.bfloat16
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    # Without the instructions a product in bfloat16 is slower than in float32.
    native = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return torch.bfloat16 if device.type == "cpu" and native() else torch.float32


def _apply(
    state: TrainingState, result: StepGradients, config: TrainingConfig, rate: float
) -> None:
    """Clip the gradients' norm and let Adam move the parameters."""
    dictionary, gradients = state.dictionary, result.parameters
    if dictionary.unit_decoder:
        # Decoder rows have norm 1, so the radial part of row a is radial_a · d_a.
        radial = result.decoder_radial.unsqueeze(1)
        gradients["W_dec"].addcmul_(dictionary.W_dec.data, radial, value=-1)
    norms = [torch.linalg.vector_norm(gradient) for gradient in gradients.values()]
    norm = float(torch.linalg.vector_norm(torch.stack(norms)))
    for name, parameter in dictionary.named_parameters():
        gradient = gradients[name]
        if norm > config.gradient_clip:
            gradient.mul_(config.gradient_clip / norm)
        # Fused Adam on a CPU is silently wrong where strides differ.
        parameter.grad = gradient.contiguous()
    state.optimiser.param_groups[0]["lr"] = rate
    state.optimiser.step()
    for parameter in dictionary.parameters():
        parameter.grad = None


def _follow(state: TrainingState, centred: Tensor, result: StepGradients) -> None:
    figures = state.figures
    figures.step += 1
    figures.tokens += len(centred)
    squares = float(torch.linalg.vector_norm(centred)) ** 2
    about_mean = squares - len(centred) * float(torch.linalg.vector_norm(centred.mean(0))) ** 2
    share = result.squared_error / about_mean if about_mean > 0 else 0.0
    figures.unexplained += (share - figures.unexplained) / min(figures.step, FIGURE_MEMORY)


def _steps(batches: Batches, config: TrainingConfig) -> int:
    if config.steps is not None:
        return config.steps
    if isinstance(batches, Sized):
        return len(batches)
    raise AssayError("give the number of training steps: these batches do not know their number")


def _from(batches: Batches, first_step: int) -> Iterable[Tensor]:
    if callable(batches):
        return batches(first_step)
    return islice(batches, first_step, None)


def _checked(batch: Tensor, number: int, state: TrainingState | None) -> Tensor:
    """The batch in float32, on the device it came on."""
    if batch.dim() != 2 or len(batch) == 0:
        raise AssayError(f"batch {number} has shape {list(batch.shape)}; expected [rows, width]")
    if state is not None and batch.shape[1] != state.dictionary.d_in:
        raise AssayError(
            f"batch {number} holds activations of width {batch.shape[1]}; the dictionary is "
            f"trained on width {state.dictionary.d_in}"
        )
    x = batch.detach().float()
    if not bool(torch.isfinite(x.sum())) and not bool(torch.isfinite(x).all()):
        rows = int((~torch.isfinite(x).all(dim=1)).sum())
        raise AssayError(
            f"batch {number} holds NaN or infinite activations in {rows} of its {len(x)} rows; "
            "all must be finite"
        )
    return x


def _finished(
    state: TrainingState, settings: dict[str, Any], config: TrainingConfig, ended_early: bool
) -> Dictionary:
    dictionary, figures, selection = state.dictionary, state.figures, state.selection
    dead_after = config.dead_after(figures.run_tokens)
    dictionary.rescale(1 / figures.scale)
    dictionary.training_figures = {
        "config": settings,
        "steps": figures.step,
        "ended_early": ended_early,
        "tokens": figures.tokens,
        "scale": figures.scale,
        "fraction_of_variance_unexplained": figures.unexplained,
        "dead_after_tokens": dead_after,
        "dead_fraction": float((state.silent_for >= dead_after).float().mean()),
        "selection": {
            "margin": selection.margin,
            "rows_in_bfloat16": selection.rows,
            "rows_selected_again": selection.unsafe,
            "entries_missed_at_first": selection.missed,
        },
    }
    dictionary.requires_grad_(False)
    return dictionary

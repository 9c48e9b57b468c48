"""Checkpoint of a training run: adapter, optimiser and step in one file, written atomically."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from assay.errors import AssayError
from assay.files import atomic_file, read_safetensors

MOMENTS = ("exp_avg", "exp_avg_sq")
"""Names of Adam's moments in the optimiser's state."""


def write_checkpoint(
    path: Path,
    parameters: dict[str, Tensor],
    optimizer: torch.optim.Optimizer,
    *,
    step: int,
    run: str,
) -> None:
    """Write the trained parameters, Adam's moments and the number of steps done.

    ``run`` is the hash of everything that determines the run; only the same run resumes from it.
    """
    tensors = {f"parameter/{name}": value.detach() for name, value in parameters.items()}
    for name, value in parameters.items():
        state = optimizer.state[value]
        tensors.update({f"{moment}/{name}": state[moment] for moment in MOMENTS})
    with atomic_file(path) as aside:
        save_file(
            {name: value.cpu().contiguous() for name, value in tensors.items()},
            str(aside),
            metadata={"step": str(step), "run": run},
        )


def read_checkpoint(
    path: Path, parameters: dict[str, Tensor], optimizer: torch.optim.Optimizer, run: str
) -> int:
    """Restore a checkpoint in place and return the number of steps done; 0 without a checkpoint.

    A checkpoint of another run (other data, seed, plan or base) is ignored. Raises
    AssayError where the file is damaged.
    """
    if not path.is_file():
        return 0
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, ValueError, OSError) as error:
        raise AssayError(
            f"checkpoint {path} is damaged ({error}); delete it to start anew"
        ) from error
    if metadata.get("run") != run:
        return 0
    stored = read_safetensors(path)
    step = int(metadata["step"])
    with torch.no_grad():
        for name, value in parameters.items():
            value.copy_(stored[f"parameter/{name}"])
            optimizer.state[value] = {
                "step": torch.tensor(float(step)),
                **{m: stored[f"{m}/{name}"].to(value.device).clone() for m in MOMENTS},
            }
    return step

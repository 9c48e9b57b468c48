"""Where a training run stands: adapter, optimiser and step, in one file, whole or absent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import AssayError
from assay.files import atomic_file, read_safetensors

if TYPE_CHECKING:
    import torch
    from torch import Tensor

MOMENTS = ("exp_avg", "exp_avg_sq")


def write_checkpoint(
    path: Path,
    parameters: dict[str, Tensor],
    optimizer: torch.optim.Optimizer,
    step: int,
    run: str,
) -> None:
    """Write the trained parameters, Adam's moments and the number of steps done.

    ``run`` is the hash of everything that determines the run; only the same run resumes from it.
    """
    from safetensors.torch import save_file

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
    """Put a checkpoint's state in place and return the steps done; 0 where there is none.

    A checkpoint of another run (other data, seed, plan or base) counts as none. Raises
    AssayError where the file is damaged.
    """
    import torch
    from safetensors import SafetensorError, safe_open

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

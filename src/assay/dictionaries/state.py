"""The state of a training run, and its checkpoint: one safetensors file, whole or absent."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from assay.dictionaries.architecture_registry import ARCHITECTURES
from assay.dictionaries.dictionary import Dictionary
from assay.dictionaries.selector import SelectionRecord
from assay.dictionaries.training_config import TrainingConfig
from assay.errors import AssayError
from assay.files import atomic_file
from assay.randomness import torch_generator

if TYPE_CHECKING:
    from jaxtyping import Float, Int


@dataclass
class RunFigures:
    """Counters and running figures of a run."""

    step: int = 0
    """Steps done."""
    tokens: int = 0
    """Rows seen."""
    run_tokens: int = 0
    """Rows that the whole run is expected to see."""
    scale: float = 1.0
    """What activations are multiplied by while training."""
    unexplained: float = 1.0
    """Running mean, over about 50 steps, of each batch's fraction of variance unexplained."""


@dataclass
class TrainingState:
    """Everything that decides the rest of a run beside its batches."""

    dictionary: Dictionary
    """The dictionary, in scaled units."""
    optimiser: torch.optim.Adam
    """Adam over the dictionary's parameters, in the order of their names."""
    silent_for: Int[Tensor, " width"]
    """int64 rows since each feature last fired."""
    figures: RunFigures = field(default_factory=RunFigures)
    """Counters and running figures."""
    selection: SelectionRecord = field(default_factory=lambda: SelectionRecord(0))
    """Margin and misses of the selection in bfloat16."""

    def to(self, device: torch.device) -> None:
        """Move the state to a device, in place."""
        self.dictionary.to(device)
        self.silent_for = self.silent_for.to(device)
        for moments in self.optimiser.state.values():
            for name, value in moments.items():
                moments[name] = value.to(device)


def new_dictionary(d_in: int, config: TrainingConfig) -> Dictionary:
    """A dictionary of the configured architecture, all zeros.

    Raises AssayError for an unknown architecture, with the valid names.
    """
    architecture: type[Dictionary] = ARCHITECTURES[config.architecture]
    return architecture.from_config(d_in, config)


def new_state(
    first: Float[Tensor, "rows d_in"], config: TrainingConfig, steps: int, *, seed: int = 0
) -> TrainingState:
    """A run's state before its first step, on the device of the first batch.

    Decoder rows are random unit vectors drawn from ``seed``, the encoder starts as their copy,
    b_dec as the first batch's mean (Gao et al. 2024, appendix A.1).
    Raises AssayError where all activations of the first batch are equal.
    """
    dictionary = new_dictionary(first.shape[1], config).to(first.device)
    mean = first.mean(0)
    spread = float(torch.linalg.vector_norm(first - mean)) / len(first) ** 0.5
    if spread == 0:
        raise AssayError("all activations of the first batch are equal; nothing can be learned")
    scale = 1 / spread if config.scale else 1.0
    generator = torch_generator(seed, "dictionaries/initial directions")
    directions = torch.randn(dictionary.W_dec.shape, generator=generator)
    directions = torch.nn.functional.normalize(directions, dim=1)
    dictionary.W_dec.data.copy_(directions)
    dictionary.W_enc.data.copy_(directions)
    dictionary.b_dec.data.copy_(mean * scale)
    dictionary.begin(dictionary.pre_activations(first * scale), config)
    figures = RunFigures(run_tokens=steps * len(first), scale=scale)
    silent = torch.zeros(config.width, dtype=torch.int64, device=first.device)
    record = SelectionRecord(config.selection_margin)
    return TrainingState(
        dictionary=dictionary,
        optimiser=_optimiser(dictionary),
        silent_for=silent,
        figures=figures,
        selection=record,
    )


def _optimiser(dictionary: Dictionary) -> torch.optim.Adam:
    parameters = [parameter for _, parameter in sorted(dictionary.named_parameters())]
    return torch.optim.Adam(parameters, lr=0.0, betas=(0.9, 0.999), fused=True)


def settings_of_run(config: TrainingConfig, seed: int) -> dict[str, Any]:
    """Everything that decides a run's result beside its batches, as JSON values."""
    return config.as_json() | {"seed": seed}


def write_checkpoint(
    state: TrainingState, config: TrainingConfig, path: Path, *, seed: int
) -> None:
    """Write the state atomically, so that a run that is killed at any moment can resume."""
    tensors = {f"dictionary/{name}": value for name, value in state.dictionary.state_dict().items()}
    for name, parameter in state.dictionary.named_parameters():
        moments = state.optimiser.state[parameter]
        tensors[f"exp_avg/{name}"] = moments["exp_avg"]
        tensors[f"exp_avg_sq/{name}"] = moments["exp_avg_sq"]
    tensors["silent_for"] = state.silent_for
    facts = {
        "config": settings_of_run(config, seed),
        "d_in": state.dictionary.d_in,
        "figures": asdict(state.figures),
        "selection": asdict(state.selection),
    }
    with atomic_file(path) as aside:
        save_file(
            {name: value.detach().cpu().contiguous() for name, value in tensors.items()},
            str(aside),
            metadata={"assay": json.dumps(facts)},
        )


def read_checkpoint(config: TrainingConfig, path: Path, *, seed: int) -> TrainingState:
    """Read a run's state, on the CPU.

    Raises AssayError where the file is damaged or belongs to a run with other settings or another
    seed.
    """
    try:
        with safe_open(str(path), "pt") as file:
            facts = json.loads((file.metadata() or {}).get("assay", "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError) as error:
        raise AssayError(
            f"checkpoint {path} is truncated or damaged: {error}; delete it to start afresh"
        ) from error
    if facts is None:
        raise AssayError(f"{path} is not a checkpoint of a training run; give another path")
    _check_same_settings(facts["config"], settings_of_run(config, seed), path)
    dictionary = new_dictionary(facts["d_in"], config)
    dictionary.load_state_dict(
        {
            name.removeprefix("dictionary/"): value
            for name, value in tensors.items()
            if name.startswith("dictionary/")
        }
    )
    optimiser = _optimiser(dictionary)
    figures = RunFigures(**facts["figures"])
    for name, parameter in dictionary.named_parameters():
        optimiser.state[parameter] = {
            "step": torch.tensor(float(figures.step)),
            "exp_avg": tensors[f"exp_avg/{name}"],
            "exp_avg_sq": tensors[f"exp_avg_sq/{name}"],
        }
    record = SelectionRecord(**facts["selection"])
    return TrainingState(
        dictionary=dictionary,
        optimiser=optimiser,
        silent_for=tensors["silent_for"],
        figures=figures,
        selection=record,
    )


def _check_same_settings(held: dict[str, Any], wanted: dict[str, Any], path: Path) -> None:
    for name in sorted(held.keys() | wanted.keys()):
        if held.get(name) != wanted.get(name):
            raise AssayError(
                f"checkpoint {path} belongs to a run with {name} = {held.get(name)}, not "
                f"{wanted.get(name)}; delete it to start afresh, or give another path"
            )

"""The state of a training run, and its checkpoint: one safetensors file, whole or absent."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from assay.dictionaries.architectures import architecture_named
from assay.dictionaries.config import TrainingConfig
from assay.dictionaries.selector import SelectionRecord
from assay.errors import AssayError
from assay.files import atomic_file
from assay.randomness import torch_generator

if TYPE_CHECKING:
    from pathlib import Path

    from jaxtyping import Float, Int
    from torch import Tensor

    from assay.dictionaries.dictionary import Dictionary


@dataclass
class RunFigures:
    """Numbers that a run carries along."""

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
    """Everything that decides the rest of a run, beside its batches."""

    dictionary: Dictionary
    """In scaled units."""
    optimiser: torch.optim.Adam
    """Over the dictionary's parameters, in the order of their names."""
    silent_for: Int[Tensor, " width"]
    """int64 rows since each feature last fired."""
    figures: RunFigures = field(default_factory=RunFigures)
    """Counters and running figures."""
    selection: SelectionRecord = field(default_factory=lambda: SelectionRecord(0))
    """Margin and misses of the selection in bfloat16."""


def new_dictionary(d_in: int, config: TrainingConfig) -> Dictionary:
    """A dictionary of the configured architecture, all zeros."""
    kind = architecture_named(config.architecture)
    options: dict[str, Any] = {}
    if config.architecture in ("topk", "batch_topk", "matryoshka"):
        options["k"] = config.k
    if config.architecture == "matryoshka":
        options["prefixes"] = config.prefixes
    return kind(d_in, config.width, **options)


def new_state(
    first: Float[Tensor, "rows d_in"], config: TrainingConfig, steps: int
) -> TrainingState:
    """A run's state before its first step.

    Decoder rows are random unit vectors, the encoder starts as their copy, b_dec as the first
    batch's mean (Gao et al. 2024, appendix A.1).
    """
    dictionary = new_dictionary(first.shape[1], config).to(first.device)
    mean = first.mean(0)
    spread = float(torch.linalg.vector_norm(first - mean)) / len(first) ** 0.5
    if spread == 0:
        raise AssayError("all activations of the first batch are equal; nothing can be learned")
    scale = 1 / spread if config.scale else 1.0
    generator = torch_generator(config.seed, "dictionaries/initial directions")
    directions = torch.randn(dictionary.W_dec.shape, generator=generator)
    directions = torch.nn.functional.normalize(directions, dim=1)
    dictionary.W_dec.data.copy_(directions)
    dictionary.W_enc.data.copy_(directions)
    dictionary.b_dec.data.copy_(mean * scale)
    dictionary.begin(dictionary.pre_activations(first * scale), config)
    figures = RunFigures(run_tokens=steps * len(first), scale=scale)
    silent = torch.zeros(config.width, dtype=torch.int64, device=first.device)
    record = SelectionRecord(config.selection_margin)
    return TrainingState(dictionary, _optimiser(dictionary), silent, figures, record)


def _optimiser(dictionary: Dictionary) -> torch.optim.Adam:
    parameters = [parameter for _, parameter in sorted(dictionary.named_parameters())]
    return torch.optim.Adam(parameters, lr=0.0, betas=(0.9, 0.999), fused=True)


def write_checkpoint(state: TrainingState, config: TrainingConfig, path: Path) -> None:
    """Write the state atomically, so that a run killed anywhere can resume."""
    from safetensors.torch import save_file

    tensors = {f"dictionary/{name}": value for name, value in state.dictionary.state_dict().items()}
    for name, parameter in state.dictionary.named_parameters():
        moments = state.optimiser.state[parameter]
        tensors[f"exp_avg/{name}"] = moments["exp_avg"]
        tensors[f"exp_avg_sq/{name}"] = moments["exp_avg_sq"]
    tensors["silent_for"] = state.silent_for
    facts = {
        "config": config.as_json(),
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


def read_checkpoint(config: TrainingConfig, path: Path) -> TrainingState:
    """Read a run's state.

    Raises AssayError where the file is damaged or belongs to a run with other settings.
    """
    from safetensors import SafetensorError, safe_open

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
    _check_same_settings(facts["config"], config.as_json(), path)
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
    return TrainingState(dictionary, optimiser, tensors["silent_for"], figures, record)


def _check_same_settings(held: dict[str, Any], wanted: dict[str, Any], path: Path) -> None:
    for name in sorted(held.keys() | wanted.keys()):
        if held.get(name) != wanted.get(name):
            raise AssayError(
                f"checkpoint {path} belongs to a run with {name} = {held.get(name)}, not "
                f"{wanted.get(name)}; delete it to start afresh, or give another path"
            )

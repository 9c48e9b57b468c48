"""Read the tensors and settings of a dictionary's folder, and check them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from assay.dictionaries.dictionary import Dictionary
from assay.errors import AssayError
from assay.files import read_json


@dataclass(frozen=True)
class Weights:
    """Named tensors of one file."""

    tensors: dict[str, Tensor]
    """The tensors, as stored."""
    path: Path
    """The file, for messages."""

    def take(self, name: str, *shape: int | None) -> Tensor:
        """A tensor in float32. Raises AssayError where it is missing, misshapen or not finite.

        None in ``shape`` fits any size.
        """
        if name not in self.tensors:
            raise AssayError(
                f"{self.path} has no tensor '{name}'; it has {', '.join(sorted(self.tensors))}"
            )
        tensor = self.tensors[name]
        fits = tensor.dim() == len(shape) and all(
            wanted is None or wanted == size
            for wanted, size in zip(shape, tensor.shape, strict=True)
        )
        if not fits:
            wanted = ["any" if size is None else size for size in shape]
            raise AssayError(
                f"{self.path}: tensor '{name}' has shape {list(tensor.shape)}; expected {wanted}"
            )
        if not bool(torch.isfinite(tensor).all()):
            raise AssayError(f"{self.path}: tensor '{name}' holds NaN or infinite values")
        return tensor.detach().float().contiguous()


def setting(config: dict[str, Any], name: str, path: Path) -> Any:
    """A setting. Raises AssayError where it is missing."""
    if name not in config:
        raise AssayError(f"{path} has no '{name}'; a folder of that library has one")
    return config[name]


def read_settings(path: Path) -> dict[str, Any]:
    """Read a JSON object. Raises AssayError where the file holds anything else."""
    value = read_json(path)
    if not isinstance(value, dict):
        raise AssayError(f"{path} does not hold a JSON object of settings")
    return value


def refuse(path: Path, what: str, reason: str) -> AssayError:
    """An error for an option of another library that cannot be honoured."""
    return AssayError(f"{path}: {what} is not supported: {reason}")


def fill(dictionary: Dictionary, **tensors: Tensor) -> Dictionary:
    """Put tensors into a fresh dictionary's parameters and buffers, and turn gradients off."""
    with torch.no_grad():
        for name, tensor in tensors.items():
            getattr(dictionary, name).copy_(tensor)
    dictionary.requires_grad_(False)
    return dictionary


def bias_of_plain_input(W_enc: Tensor, b_enc: Tensor, b_dec: Tensor) -> Tensor:
    """b_enc for W_enc (x − b_dec) + b_enc, given the b_enc of W_enc x + b_enc.

    Some libraries do not subtract b_dec from the input.
    """
    return (b_enc.double() + W_enc.double() @ b_dec.double()).float()

"""A query–key dictionary: two transcoders from the attention's input, one to queries, one to keys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file
from torch import nn

from assay.errors import AssayError
from assay.files import atomic_file, read_json, read_safetensors, write_json

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

WEIGHTS = "qk.safetensors"
FACTS = "qk_dictionary.json"


class Transcoder(nn.Module):
    """z = the k largest of ReLU(W_enc (x − centre) / scale + b_enc); x̂ = z W_dec + b_dec."""

    centre: Tensor
    scale: Tensor

    def __init__(self, d_in: int, width: int, d_out: int, k: int) -> None:
        super().__init__()
        self.k = k
        self.W_enc = nn.Parameter(torch.zeros(width, d_in))
        self.b_enc = nn.Parameter(torch.zeros(width))
        self.W_dec = nn.Parameter(torch.zeros(width, d_out))
        self.b_dec = nn.Parameter(torch.zeros(d_out))
        self.register_buffer("centre", torch.zeros(d_in))
        self.register_buffer("scale", torch.ones(()))

    def encode(self, x: Float[Tensor, "... d_in"]) -> Float[Tensor, "... width"]:
        """The codes, dense: zero but for at most k features a token."""
        z = ((x - self.centre) / self.scale @ self.W_enc.T + self.b_enc).relu()
        if self.k >= z.shape[-1]:
            return z
        values, index = z.topk(self.k, dim=-1)
        return torch.zeros_like(z).scatter(-1, index, values)

    def decode(self, z: Float[Tensor, "... width"]) -> Float[Tensor, "... d_out"]:
        """Queries or keys of all heads, side by side."""
        return z @ self.W_dec + self.b_dec

    def forward(self, x: Float[Tensor, "... d_in"]) -> Float[Tensor, "... d_out"]:
        """The reconstruction."""
        return self.decode(self.encode(x))

    def start_from(
        self,
        x: Float[Tensor, "rows d_in"],
        target: Float[Tensor, "rows d_out"],
        generator: torch.Generator,
    ) -> None:
        """Centre and scale of x; random encoder directions, and half of what the best linear map makes
        of each as its decoder row (in a model that is that map: half of W_q e)."""
        with torch.no_grad():
            self.centre.copy_(x.mean(dim=0))
            centred = x - self.centre
            self.scale.copy_(centred.norm(dim=1).mean() / x.shape[1] ** 0.5)
            rows = torch.randn(self.W_enc.shape, generator=generator)
            self.W_enc.copy_(rows / rows.norm(dim=1, keepdim=True))
            self.b_dec.copy_(target.mean(dim=0))
            scaled = (centred / self.scale).double()
            gram = scaled.T @ scaled
            ridge = 1e-6 * gram.diagonal().mean() * torch.eye(len(gram), dtype=torch.float64)
            linear = torch.linalg.solve(gram + ridge, scaled.T @ (target - self.b_dec).double())
            self.W_dec.copy_(0.5 * (self.W_enc.double() @ linear).float())


@dataclass(frozen=True, eq=False)
class QKDictionary:
    """The features of queries and those of keys of one layer."""

    layer: int
    """Index of the layer."""
    query: Transcoder
    """From the attention's input to the queries of all heads."""
    key: Transcoder
    """From the same input to the keys of all key heads."""

    @classmethod
    def empty(cls, layer: int, sizes: tuple[int, int, int], width: int, k: int) -> QKDictionary:
        """Untrained; ``sizes`` are (d_model, width of all queries, width of all keys)."""
        d_model, queries, keys = sizes
        return cls(
            layer, Transcoder(d_model, width, queries, k), Transcoder(d_model, width, keys, k)
        )

    @property
    def width(self) -> int:
        """Features of each side."""
        return len(self.query.b_enc)

    def parameters(self) -> list[nn.Parameter]:
        """Everything that is learned."""
        return [*self.query.parameters(), *self.key.parameters()]

    def save(self, folder: Path) -> None:
        """Write weights (safetensors) and sizes (JSON) into a folder."""
        tensors = {
            f"{side}.{name}": tensor.detach().contiguous()
            for side, transcoder in (("query", self.query), ("key", self.key))
            for name, tensor in transcoder.state_dict().items()
        }
        with atomic_file(folder / WEIGHTS) as aside:
            save_file(tensors, str(aside))
        write_json(folder / FACTS, {"version": 1, "layer": self.layer, "k": self.query.k})


def load_qk(folder: Path) -> QKDictionary:
    """Read what ``save`` wrote. Raises AssayError where a file is missing, damaged or does not fit."""
    facts, tensors = read_json(folder / FACTS), read_safetensors(folder / WEIGHTS)
    if not isinstance(facts, dict) or facts.get("version") != 1:
        raise AssayError(f"{folder / FACTS} is not version 1 of a query–key dictionary")
    sides = {}
    for side in ("query", "key"):
        own = {
            name.removeprefix(f"{side}."): t for name, t in tensors.items() if name.startswith(side)
        }
        try:
            width, d_in = own["W_enc"].shape
            transcoder = Transcoder(d_in, width, own["W_dec"].shape[1], int(facts["k"]))
            transcoder.load_state_dict(own)
        except (KeyError, ValueError, RuntimeError) as error:
            raise AssayError(
                f"{folder / WEIGHTS} does not hold a whole {side} dictionary"
            ) from error
        sides[side] = transcoder
    return QKDictionary(int(facts["layer"]), sides["query"], sides["key"])

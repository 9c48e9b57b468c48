"""Several token sequences as one, in which what they have in common at their start stands once.

A batch of chats shares its system message; reading it once saves nearly half of a training step.
Each token attends to those before it in its own sequences and has its own position, so that the
model computes for each sequence exactly what it would compute for it alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class PrefixTree:
    """Token sequences merged where they agree from the start."""

    tokens: Int[Tensor, "1 node"]
    """One token a node; parents stand before their children."""
    position_ids: Int[Tensor, "1 node"]
    """Depth of each node: the token's position in its own sequence."""
    attention_mask: Float[Tensor, "1 1 node node"]
    """0 from a node to itself and its ancestors, the least float elsewhere; added to scores."""
    paths: tuple[tuple[int, ...], ...]
    """For each sequence the nodes that spell it."""


def prefix_tree(sequences: Sequence[Sequence[int]], device: Any = "cpu") -> PrefixTree:
    """Merge token sequences."""
    import torch

    nodes: dict[tuple[int, int], int] = {}
    depths: list[int] = []
    paths = []
    for sequence in sequences:
        path: list[int] = []
        for depth, token in enumerate(sequence):
            parent = path[-1] if path else -1
            if (parent, token) not in nodes:
                nodes[parent, token] = len(nodes)
                depths.append(depth)
            path.append(nodes[parent, token])
        paths.append(tuple(path))
    seen = torch.eye(len(nodes), dtype=torch.bool)
    for (parent, _), node in nodes.items():
        if parent >= 0:
            seen[node] |= seen[parent]
    mask = torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)
    return PrefixTree(
        tokens=torch.tensor([[token for _, token in nodes]], device=device),
        position_ids=torch.tensor([depths], device=device),
        attention_mask=mask[None, None].to(device),
        paths=tuple(paths),
    )

"""Batches shuffled across shards, with a bound on the share of one forward pass in a batch.

Rows of one forward pass are correlated, so a batch with many rows of the same pass carries no more
information than a smaller batch. The shards are read in random order, several at a time as a pool;
within a pool the rows of each forward pass are shuffled and then spaced evenly over the pool.

**Guarantee**: a batch of B rows is drawn from a pool of N rows from F forward passes. At most
⌈n·(B + F)/N⌉ + 1 of its rows come from a pass that has n rows in the pool. (Rows of a pass lie 1/n
apart on [0, 1); an interval that holds B rows is at most (B + F)/N long.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from assay.activations.sink import left_out
from assay.activations.store import ActivationStore
from assay.randomness import torch_generator

if TYPE_CHECKING:
    from jaxtyping import Float, Int


@dataclass(frozen=True)
class Batch:
    """Rows in random order, each with its position, token and document."""

    activations: Float[Tensor, "rows width"]
    """Activations, bfloat16."""
    positions: Int[Tensor, " rows"]
    """Position in the crop; 0 is the first token."""
    tokens: Int[Tensor, " rows"]
    """Token id."""
    documents: Int[Tensor, " rows"]
    """Index of the document."""
    starts: Int[Tensor, " rows"]
    """Token index in the document at which the row's crop begins."""
    passes: Int[Tensor, " rows"]
    """Number of the forward pass that gave the row."""

    def __len__(self) -> int:
        return len(self.positions)

    def take(self, rows: Tensor | slice) -> Batch:
        """The batch with only the given rows: indices, a mask, or a slice."""
        return Batch(**{name: getattr(self, name)[rows] for name in _FIELDS})


_FIELDS = tuple(Batch.__dataclass_fields__)


def shuffled_batches(
    store: ActivationStore,
    batch_size: int,
    *,
    seed: int,
    epochs: int | None = 1,
    pool_shards: int = 4,
    leave_out_sink: bool = True,
) -> Iterator[Batch]:
    """Yield batches of exactly ``batch_size`` rows; the rows left over at the end are dropped.

    ``epochs=None`` repeats without end. Each epoch has its own order, drawn from ``seed``. Tokens
    of the attention sink are left out unless ``leave_out_sink`` is False. Memory holds
    ``pool_shards`` shards.
    """
    epoch = 0
    rest: Batch | None = None
    while epochs is None or epoch < epochs:
        generator = torch_generator(seed, f"shuffle/epoch {epoch}")
        order = torch.randperm(len(store.shards), generator=generator).tolist()
        # Pools of equal size, so that the last pool of an epoch mixes as well as the others.
        pools = max(1, -(-len(order) // pool_shards))
        for number in range(pools):
            shards = [
                _read(store, shard, leave_out_sink)
                for shard in order[
                    number * len(order) // pools : (number + 1) * len(order) // pools
                ]
            ]
            pool = _concatenate(([rest] if rest is not None else []) + shards)
            pool = pool.take(_spaced_order(pool.passes, generator))
            whole = len(pool) // batch_size * batch_size
            for start in range(0, whole, batch_size):
                yield pool.take(slice(start, start + batch_size))
            rest = pool.take(slice(whole, None))
        epoch += 1


def _spaced_order(passes: Tensor, generator: torch.Generator) -> Tensor:
    """An order in which the shuffled rows of each forward pass are spaced evenly."""
    shuffled = torch.randperm(len(passes), generator=generator)
    by_pass = shuffled[passes[shuffled].argsort(stable=True)]
    _, counts = passes[by_pass].unique_consecutive(return_counts=True)
    rank = torch.arange(len(passes)) - (counts.cumsum(0) - counts).repeat_interleave(counts)
    phase = torch.rand(len(counts), generator=generator, dtype=torch.float64)
    place = (rank + phase.repeat_interleave(counts)) / counts.repeat_interleave(counts)
    return by_pass[place.argsort(stable=True)]


def _read(store: ActivationStore, shard: int, leave_out_sink: bool) -> Batch:
    tensors = store.read_shard(shard)
    manifest = store.manifest
    first = shard * manifest.crops_per_shard * manifest.length
    rows = torch.arange(len(tensors["positions"])) + first
    batch = Batch(
        activations=tensors["activations"],
        positions=tensors["positions"],
        tokens=tensors["tokens"],
        documents=tensors["documents"],
        starts=tensors["starts"],
        passes=rows // (manifest.crops_per_forward * manifest.length),
    )
    if not leave_out_sink:
        return batch
    return batch.take(~left_out(batch.activations, batch.positions, manifest.median_norm))


def _concatenate(batches: list[Batch]) -> Batch:
    return Batch(
        **{name: torch.cat([getattr(batch, name) for batch in batches]) for name in _FIELDS}
    )

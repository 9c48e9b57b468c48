"""Conversations on disk: activations as safetensors, excerpts as JSON beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save_file

from assay.concerns.conversations.excerpts import Conversation, Excerpt
from assay.files import atomic_file, read_json, read_safetensors, write_json

FURTHER = ".further"
"""Ending of the name of the tensor with a reading's activations at further sites."""
Readings = Mapping[str, tuple[Conversation, ...]]
"""Name of the reading → its conversations."""


def save_conversations(path: Path, readings: Readings) -> None:
    """Write the activations to ``path`` (.safetensors, a tensor for each reading, and another for its
    further sites) and the excerpts to the .json file of the same name."""
    tensors = {}
    for name, conversations in readings.items():
        if conversations:
            tensors[name] = torch.cat([c.activations for c in conversations]).contiguous()
        further = [c.further for c in conversations if c.further is not None]
        if further:
            tensors[f"{name}{FURTHER}"] = torch.cat(further).contiguous()
    with atomic_file(path) as aside:
        save_file(tensors, str(aside))
    rows = {
        name: [{**asdict(c.excerpt), "places": list(c.places)} for c in conversations]
        for name, conversations in readings.items()
    }
    write_json(path.with_suffix(".json"), rows)


def load_conversations(path: Path) -> dict[str, tuple[Conversation, ...]]:
    """Read what ``save_conversations`` wrote. Raises AssayError where a file is missing or damaged."""
    tensors = read_safetensors(path)
    found: dict[str, tuple[Conversation, ...]] = {}
    for name, rows in read_json(path.with_suffix(".json")).items():
        conversations = []
        start = 0
        for row in rows:
            places = tuple(row.pop("places"))
            turns = tuple((first, end) for first, end in row["turns"])
            excerpt = Excerpt(**{**row, "tokens": tuple(row["tokens"]), "turns": turns})
            end = start + len(places)
            further = tensors.get(f"{name}{FURTHER}")
            conversations.append(
                Conversation(
                    excerpt,
                    tensors[name][start:end],
                    places,
                    None if further is None else further[start:end],
                )
            )
            start = end
        found[name] = tuple(conversations)
    return found

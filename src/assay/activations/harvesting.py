"""Harvest: run a model over crops and write the activations of one hook site to disk."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from assay.activations.sink import MASSIVE_RATIO, median_norm
from assay.activations.store import MANIFEST, ActivationStore, Manifest, open_store, shard_name
from assay.errors import AssayError
from assay.files import atomic_file, read_json, read_safetensors, sha256_of_json, write_json
from assay.models import LanguageModel, Site, capture
from assay.progress import Advance, progress
from assay.text import Crops

ROWS_PER_SHARD = 65_536
"""Largest number of rows in a shard."""
PLAN = "plan.json"
"""File that states the inputs, so that an interrupted harvest resumes with the same inputs only."""


def harvest(
    model: LanguageModel,
    site: Site | str,
    crops: Crops,
    out: Path,
    *,
    text: str,
    text_sha256: str,
    seed: int,
    crops_per_forward: int = 32,
) -> ActivationStore:
    """Write the site's activations on all crops to ``out`` as bfloat16 shards; return the store.

    ``text`` (name), ``text_sha256`` and ``seed`` (of the crops) are recorded in the manifest. After
    an interruption, call it again with the same arguments: it resumes after the last complete shard
    and writes the same bytes. Memory holds two shards.
    Raises AssayError where ``out`` holds other files or a harvest of other inputs, where activations
    are not finite, and where memory runs out.
    """
    site = Site.parse(str(site))
    length = crops.tokens.shape[1]
    forwards_per_shard = max(1, ROWS_PER_SHARD // (length * crops_per_forward))
    crops_per_shard = forwards_per_shard * crops_per_forward
    plan: dict[str, str | int] = {
        "model": model.fingerprint,
        "site": str(site),
        "text": text_sha256,
        "crops": sha256_of_json([crops.tokens.tolist(), crops.documents.tolist()]),
        "crops_per_forward": crops_per_forward,
    }
    _claim(out, plan)
    medians: list[Future[tuple[float, int]]] = []
    # One shard is written while the model reads the crops of the next.
    with (
        progress(f"harvest {site}", len(crops) * length, "tokens") as advance,
        ThreadPoolExecutor(max_workers=1) as background,
    ):
        for number, first in enumerate(range(0, len(crops), crops_per_shard)):
            part = crops.rows(first, min(first + crops_per_shard, len(crops)))
            path = out / shard_name(number)
            activations = None
            if path.is_file():
                advance(len(part) * length)
            else:
                activations = _forward(
                    model, site, part, crops_per_forward=crops_per_forward, advance=advance
                )
            if medians:
                medians[-1].result()
            medians.append(background.submit(_finish_shard, path, activations, part))
        norms = [found.result() for found in medians]
    manifest = Manifest(
        model=model.name,
        model_fingerprint=model.fingerprint,
        site=str(site),
        width=model.site_width(site),
        length=length,
        crops=len(crops),
        crops_per_forward=crops_per_forward,
        crops_per_shard=crops_per_shard,
        first_token=crops.first_token,
        median_norm=float(np.average([m for m, _ in norms], weights=[n for _, n in norms])),
        left_out=f"position 0 and tokens whose norm exceeds {MASSIVE_RATIO:g} × the median",
        text=text,
        text_sha256=text_sha256,
        document_ids=crops.document_ids,
        seed=seed,
    )
    write_json(out / MANIFEST, manifest.model_dump(mode="json"))
    return open_store(out)


def _claim(out: Path, plan: dict[str, str | int]) -> None:
    """Reserve the folder for this plan. Raises AssayError where it holds anything else."""
    if (out / PLAN).is_file():
        if read_json(out / PLAN) != plan:
            raise AssayError(f"{out} holds a harvest of other inputs; choose another --out")
        return
    if out.exists() and any(out.iterdir()):
        raise AssayError(f"{out} is not empty and holds no harvest; choose another --out")
    write_json(out / PLAN, plan)


def _forward(
    model: LanguageModel, site: Site, crops: Crops, *, crops_per_forward: int, advance: Advance
) -> Tensor:
    """The activations of one shard, bfloat16 [rows, width], on the CPU.

    On a GPU nothing waits for a pass before the next one is queued: copies go to pinned memory, and
    whether all values are finite is asked once, at the end.
    """
    length = crops.tokens.shape[1]
    shape = len(crops) * length, model.site_width(site)
    rows = torch.empty(shape, dtype=torch.bfloat16, pin_memory=model.device.type == "cuda")
    starts = range(0, len(crops), crops_per_forward)
    finite = []
    try:
        for start in starts:
            tokens = crops.tokens[start : start + crops_per_forward]
            activations = capture(model, tokens, [site])[site]
            finite.append(activations.isfinite().all())
            kept = rows[start * length : (start + len(tokens)) * length]
            kept.copy_(activations.flatten(0, 1), non_blocking=True)
            advance(tokens.numel())
        all_finite = torch.stack(finite).tolist()
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise AssayError(
            f"out of memory with {crops_per_forward} crops in one forward pass; "
            "lower crops_per_forward"
        ) from error
    if not all(all_finite):
        start = starts[all_finite.index(False)]
        raise AssayError(
            f"the activations of {site} hold NaN or infinity in crops {start}–"
            f"{min(start + crops_per_forward, len(crops)) - 1} of a shard; load the model in float32"
        )
    return rows


def _finish_shard(path: Path, activations: Tensor | None, crops: Crops) -> tuple[float, int]:
    """Write a shard, or read one that is there: the median norm of its rows, and their number."""
    if activations is None:
        activations = read_safetensors(path)["activations"]
    else:
        _write_shard(path, activations, crops)
    return median_norm(activations), len(activations)


def _write_shard(path: Path, activations: Tensor, crops: Crops) -> None:
    count, length = crops.tokens.shape
    tensors = {
        "activations": activations,
        "positions": torch.arange(length, dtype=torch.int32).repeat(count),
        "tokens": crops.tokens.flatten().to(torch.int32),
        "documents": torch.from_numpy(np.repeat(crops.documents, length)).to(torch.int32),
        "starts": torch.from_numpy(np.repeat(crops.starts, length)).to(torch.int32),
    }
    with atomic_file(path) as aside:
        save_file(tensors, str(aside))

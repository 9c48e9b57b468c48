"""The position audit of a dictionary, or of activations that a user supplies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from assay.activations.sink import MASSIVE_RATIO, left_out, median_norm
from assay.dictionaries.codes import SparseCodes
from assay.dictionaries.dictionary import Dictionary
from assay.errors import AssayError
from assay.files import read_safetensors
from assay.models.capturing import capture
from assay.models.language_model import LanguageModel
from assay.models.sites import Site
from assay.position.crossed.causal_audit import audit_causally
from assay.position.crossed.sizes import DEFAULT_SIZES, CrossedSizes
from assay.position.document_batches import whole_document_batches
from assay.position.label_summary import (
    head_of_features,
    random_dictionary_summary,
    summarise_heads,
    summarise_labels,
)
from assay.position.observational.estimates import summarise, variance_explained
from assay.position.observational.streaming_sums import PositionSums
from assay.position.position_audit import PositionAudit
from assay.position.random_directions import ActivationSample, random_directions
from assay.progress import progress
from assay.text.crops import Crops

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from numpy.typing import ArrayLike

Observe = Callable[[SparseCodes, int, Tensor], None]
"""Sees the codes of each batch of whole crops, the first row among the crops, and bool [tokens],
which of them ``no_sink`` leaves out."""

NORM_SAMPLE = 16
"""Crops on which the median norm is measured, by which a token is massive."""
ACTIVATIONS = "activations"
"""Name of the tensor in a user's file, [documents, positions, features]."""
DOCUMENTS = "documents"
"""Name of an optional tensor in it, [documents]: the document from which each row is cut."""


def audit_position(
    model: LanguageModel,
    dictionary: Dictionary,
    site: Site | str,
    crops: Crops,
    *,
    causal: CrossedSizes | None = DEFAULT_SIZES,
    permutations: int = 64,
    jackknife_groups: int = 16,
    level: str = "no_sink",
    batch: int = 16,
    seed: int = 0,
    dictionary_name: str | None = None,
    observe: Observe | None = None,
) -> PositionAudit:
    """Audit every feature of a dictionary at a site on random crops.

    ``crops`` come from ``assay.text.random_crops``. The audit's ``to_frame()`` is a table with one row
    for each feature; ``result()`` is the content of position.json.

    Observational figures come from one pass over all crops; labels come from the crossed design, of
    the sizes ``causal``, on some of them. ``causal=None`` leaves the crossed design out, and with it
    the labels. Random dictionaries of the same firing rates are audited beside it, in the same
    passes of the model. ``level`` is what p, hurdle parts, selectivity and firing rate refer to.
    ``observe(codes, first_row, left_out)`` is called with the codes of each batch of whole crops, in
    the order of ``sort_by_document(crops)``, so that another computation can share the pass.
    Raises AssayError where dictionary and site do not fit, activations are not finite, or the
    crossed design cannot be run.
    """
    site = Site.of(site)
    if model.site_width(site) != dictionary.d_in:
        raise AssayError(
            f"the dictionary reads activations of width {dictionary.d_in}, but {site} of "
            f"{model.name} has width {model.site_width(site)}"
        )
    crops = sort_by_document(crops)
    sums = PositionSums(
        crops.documents,
        dictionary.width,
        crops.tokens.shape[1],
        jackknife_groups=jackknife_groups,
        permutations=permutations,
        level=level,
        seed=seed,
    )
    sample = None if causal is None else ActivationSample(crops.tokens.numel())
    rate = _read_crops(
        model, dictionary, site, crops, sums=sums, batch=batch, observe=observe, sample=sample
    )
    observational = summarise(sums)
    heads = head_of_features(model, dictionary, site)
    found, summary, by_head, random = None, None, None, None
    if causal is not None and sample is not None:
        directions = random_directions(
            dictionary, sample.rows(), observational.firing_rate, seed=seed
        )
        found = audit_causally(
            model,
            dictionary,
            site,
            crops,
            sizes=causal,
            seed=seed,
            beside=directions.dictionary,
        )
        random = random_dictionary_summary(found, directions.draw_of_feature)
        norms = dictionary.W_dec.detach().double().norm(dim=1).cpu().numpy()
        weights = sums.totals.of_level("no_sink")[0].sum(axis=1) * norms
        every = np.ones(dictionary.width, dtype=bool)
        summary = summarise_labels(found, weights, every)
        by_head = None if heads is None else summarise_heads(found, weights, heads)
    return PositionAudit(
        model=model.name,
        site=str(site),
        dictionary=dictionary_name or f"{dictionary.architecture}, {dictionary.width} features",
        observational=observational,
        causal=found,
        label_reason="the causal design was not asked for" if causal is None else None,
        summary=summary,
        by_head=by_head,
        random_dictionary=random,
        heads=heads,
        left_out=f"position 0 and every token whose norm exceeds {MASSIVE_RATIO:g} × the median",
        left_out_rate=rate,
        first_token=crops.first_token,
        seed=seed,
    )


def audit_activations(
    activations: ArrayLike | Path | str,
    *,
    documents: ArrayLike | None = None,
    permutations: int = 64,
    jackknife_groups: int = 16,
    level: str = "all",
    seed: int = 0,
    dictionary_name: str | None = None,
) -> PositionAudit:
    """Audit ``activations[documents, positions, features]``, or a safetensors file that holds them.

    A file has the tensor ``activations`` and may have ``documents``, the document of each row. Only
    observational figures are possible: without the model contents cannot be moved. Raises AssayError
    where the file or the shapes are wrong, or a value is not finite.
    """
    values: Any = activations
    if isinstance(activations, str | Path):
        dictionary_name = dictionary_name or Path(activations).name
        values, found = _read_activations(Path(activations))
        documents = found if documents is None else documents
    observational = variance_explained(
        values,
        groups=documents,
        permutations=permutations,
        level=level,
        jackknife_groups=jackknife_groups,
        seed=seed,
    )
    return PositionAudit(
        model=None,
        site=None,
        dictionary=dictionary_name,
        observational=observational,
        causal=None,
        label_reason="activations without a model are audited at the observational level only",
        summary=None,
        by_head=None,
        random_dictionary=None,
        heads=None,
        left_out="position 0",
        left_out_rate=1 / observational.length,
        first_token=None,
        seed=seed,
    )


def sort_by_document(crops: Crops) -> Crops:
    """The same crops with those of a document side by side, documents in ascending order."""
    documents = np.asarray(crops.documents)
    order = np.argsort(documents, kind="stable")
    return replace(
        crops,
        tokens=crops.tokens[torch.from_numpy(order)],
        documents=documents[order],
        starts=np.asarray(crops.starts)[order],
    )


def _read_crops(
    model: LanguageModel,
    dictionary: Dictionary,
    site: Site,
    crops: Crops,
    *,
    sums: PositionSums,
    batch: int,
    observe: Observe | None,
    sample: ActivationSample | None,
) -> float:
    """The observational pass. Returns the share of tokens left out of ``no_sink``."""
    tokens = crops.tokens
    spread = torch.linspace(0, len(tokens) - 1, min(NORM_SAMPLE, len(tokens))).long()
    median = median_norm(_activations(model, tokens[spread], site))
    positions = torch.arange(tokens.shape[1])
    out_tokens = 0
    with progress("observational position audit", tokens.numel(), "tokens") as advance:
        for start, stop in whole_document_batches(np.asarray(crops.documents), batch):
            out, codes = [], []
            for part in tokens[start:stop].split(batch):
                x = _activations(model, part, site)
                out.append(left_out(x, positions.to(x.device).expand(part.shape), median))
                codes.append(dictionary.encode(x.flatten(0, 1)))
                if sample is not None:
                    sample.add(x.flatten(0, 1), out[-1].flatten())
                advance(part.numel())
            of_batch = SparseCodes.concatenate(codes, dictionary.width)
            outside = torch.cat(out).flatten().cpu()
            out_tokens += int(outside.sum())
            sums.add(of_batch, outside)
            if observe is not None:
                observe(of_batch, start, outside)
    return out_tokens / tokens.numel()


def _activations(
    model: LanguageModel, tokens: Int[Tensor, "batch position"], site: Site
) -> Float[Tensor, "batch position width"]:
    x = capture(model, tokens, [site])[site].float()
    if not bool(torch.isfinite(x).all()):
        raise AssayError(f"activations at {site} are NaN or infinite; run the model in float32")
    return x


def _read_activations(path: Path) -> tuple[Any, Any]:
    tensors = read_safetensors(path)
    if ACTIVATIONS not in tensors:
        raise AssayError(
            f"{path} holds {', '.join(sorted(tensors)) or 'nothing'}, but no tensor named "
            f"'{ACTIVATIONS}' [documents, positions, features]"
        )
    return tensors[ACTIVATIONS], tensors.get(DOCUMENTS)

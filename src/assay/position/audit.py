"""The position audit of a dictionary: every feature's figures, its label, and their summary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.activations.sink import MASSIVE_RATIO, left_out, median_norm
from assay.errors import AssayError
from assay.position.causal import CausalAudit, CrossedSizes, audit_causally
from assay.position.observational import VarianceExplained, summarise
from assay.position.summary import LabelSummary, head_of_features, summarise_labels
from assay.position.sums import PositionSums, whole_document_batches
from assay.progress import progress

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from numpy.typing import NDArray
    from torch import Tensor

    from assay.dictionaries.codes import SparseCodes
    from assay.dictionaries.dictionary import Dictionary
    from assay.models.language_model import LanguageModel
    from assay.models.sites import Site
    from assay.text.crops import Crops

    Observe = Callable[[SparseCodes, int, Tensor], None]

NORM_SAMPLE = 16
"""Crops on which the median norm is measured, by which a token is massive."""


@dataclass(frozen=True)
class PositionAudit:
    """Everything that position.json holds."""

    model: str | None
    """Name of the model, or None for activations that a user brought."""
    site: str | None
    """Name of the site, or None."""
    dictionary: str | None
    """Name of the dictionary, or None."""
    observational: VarianceExplained
    """One pass over random crops."""
    causal: CausalAudit | None
    """The crossed design, on which the labels rest; None where it was not run."""
    label_reason: str | None
    """Why there are no labels, or None where there are."""
    summary: LabelSummary | None
    """Labels over the dictionary; None without labels."""
    by_head: dict[int, LabelSummary] | None
    """Labels over each attention head; None without labels, or where the site has no heads."""
    heads: NDArray[np.int64] | None
    """[features] the head to which each feature belongs; None where the site has no heads."""
    left_out: str
    """Which tokens the levels ``no_sink`` and ``no_first_8`` leave out, in words."""
    left_out_rate: float | None
    """Share of tokens that ``no_sink`` leaves out."""
    first_token: int | None
    """The constant token at position 0, or None."""
    seed: int
    """Seed of every random draw."""


def audit_position(
    model: LanguageModel,
    dictionary: Dictionary,
    site: Site,
    crops: Crops,
    *,
    causal: bool = True,
    sizes: CrossedSizes | None = None,
    permutations: int = 64,
    jackknife_groups: int = 16,
    level: str = "no_sink",
    batch: int = 16,
    seed: int = 0,
    dictionary_name: str | None = None,
    observe: Observe | None = None,
) -> PositionAudit:
    """Audit every feature of a dictionary at a site on random crops.

    Observational figures come from one pass over all crops; labels from the causal design, of the
    given ``sizes``, on some of them. ``level`` is what p, hurdle parts, selectivity and firing rate
    refer to. ``observe(codes, first_row, left_out)`` is shown the codes of each batch of whole
    crops, in the order of ``sort_by_document(crops)``, so that another stage can share the pass.
    Raises AssayError where dictionary and site do not fit, activations are not finite, or the
    causal design cannot be run.
    """
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
    rate = _read_crops(model, dictionary, site, crops, sums, batch, observe)
    observational = summarise(sums)
    heads = head_of_features(model, dictionary, site)
    found = audit_causally(model, dictionary, site, crops, sizes, seed=seed) if causal else None
    summary, by_head = None, None
    if found is not None:
        norms = dictionary.W_dec.detach().double().norm(dim=1).cpu().numpy()
        weights = sums.totals.of_level("no_sink")[0].sum(axis=1) * norms
        every = np.ones(dictionary.width, dtype=bool)
        summary = summarise_labels(found.labels, weights, every)
        if heads is not None:
            by_head = {
                head: summarise_labels(found.labels, weights, heads == head)
                for head in sorted(set(heads.tolist()))
            }
    return PositionAudit(
        model=model.name,
        site=str(site),
        dictionary=dictionary_name or f"{dictionary.architecture}, {dictionary.width} features",
        observational=observational,
        causal=found,
        label_reason=None if causal else "the causal design was not asked for",
        summary=summary,
        by_head=by_head,
        heads=heads,
        left_out=f"position 0 and every token whose norm exceeds {MASSIVE_RATIO:g} × the median",
        left_out_rate=rate,
        first_token=crops.first_token,
        seed=seed,
    )


def sort_by_document(crops: Crops) -> Crops:
    """The same crops, those of a document side by side; crops in that order stay as they are."""
    from assay.text.crops import Crops

    documents = np.asarray(crops.documents)
    order = np.argsort(documents, kind="stable")
    return Crops(
        crops.tokens[torch.from_numpy(order)],
        documents[order],
        np.asarray(crops.starts)[order],
        crops.document_ids,
        crops.first_token,
    )


def _read_crops(
    model: LanguageModel,
    dictionary: Dictionary,
    site: Site,
    crops: Crops,
    sums: PositionSums,
    batch: int,
    observe: Observe | None,
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
                advance(part.numel())
            together = type(codes[0]).concatenate(codes, dictionary.width)
            outside = torch.cat(out).flatten().cpu()
            out_tokens += int(outside.sum())
            sums.add(together, outside)
            if observe is not None:
                observe(together, start, outside)
    return out_tokens / tokens.numel()


def _activations(
    model: LanguageModel, tokens: Int[Tensor, "batch position"], site: Site
) -> Float[Tensor, "batch position width"]:
    from assay.models.capturing import capture

    x = capture(model, tokens, [site])[site].float()
    if not bool(torch.isfinite(x).all()):
        raise AssayError(f"activations at {site} are NaN or infinite; run the model in float32")
    return x

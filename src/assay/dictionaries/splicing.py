"""How well a model predicts text when reconstructions take the place of its activations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from assay.dictionaries.dictionary import Dictionary
from assay.errors import AssayError
from assay.models import LanguageModel, Site, capture, edit, token_cross_entropy

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int


@dataclass(frozen=True)
class CrossEntropyRecovered:
    """Cross-entropy with the reconstruction spliced in, against mean-ablation, summed by document."""

    documents: NDArray[np.int64]
    """[documents] index of each document, rising."""
    tokens: NDArray[np.float64]
    """[documents] predicted tokens of each."""
    clean: NDArray[np.float64]
    """[documents] Σ nats of the untouched model."""
    spliced: NDArray[np.float64]
    """[documents] Σ nats with the reconstruction in place of the activations."""
    ablated: NDArray[np.float64]
    """[documents] Σ nats with their mean in place of the activations."""

    def recovered(self, kept: NDArray[np.bool_] | None = None) -> float:
        """(ablated − spliced) / (ablated − clean), over all documents or those of a mask.

        1 where nothing is lost, 0 where the reconstruction is no better than the mean; NaN where
        ablation costs nothing.
        """
        which = np.ones(len(self.documents), dtype=bool) if kept is None else kept
        ablated = self.ablated[which].sum()
        cost = ablated - self.clean[which].sum()
        return float((ablated - self.spliced[which].sum()) / cost) if cost > 0 else np.nan

    def nats_per_token(self) -> dict[str, float]:
        """Mean cross-entropy of the three runs: ``clean``, ``spliced`` and ``ablated``."""
        total = self.tokens.sum()
        return {
            name: float(getattr(self, name).sum() / total)
            for name in ("clean", "spliced", "ablated")
        }


def cross_entropy_recovered(
    model: LanguageModel,
    site: Site,
    dictionary: Dictionary,
    batches: Iterable[tuple[Int[Tensor, "batch position"], Int[Tensor, " batch"]]],
    *,
    left_out: Callable[[Float[Tensor, "batch position width"]], Bool[Tensor, "batch position"]],
) -> CrossEntropyRecovered:
    """Splice reconstructions into the model; compare with its own and with mean activations.

    Each batch is (tokens int64 [batch, position], document of each row int64 [batch]).
    ``left_out(activations)`` says which tokens pass through unchanged, in the spliced and in the
    ablated run. The mean is taken over the other tokens. Every token after a row's first is scored.
    Raises AssayError where the dictionary does not fit the site, where there are no batches, or
    where every token is left out.
    """
    held = list(batches)
    if not held:
        raise AssayError("there is no text to measure the recovered cross-entropy on")
    if model.site_width(site) != dictionary.d_in:
        raise AssayError(
            f"the dictionary is for activations of width {dictionary.d_in}; {site} has width "
            f"{model.site_width(site)}"
        )
    mean = _mean_activation(model, site, held, left_out)

    def spliced(x: Tensor) -> Tensor:
        rows = x.flatten(0, 1).float().to(dictionary.W_dec.device)
        return torch.where(left_out(x).unsqueeze(-1), x, dictionary(rows).view(x.shape).to(x))

    def ablated(x: Tensor) -> Tensor:
        return torch.where(left_out(x).unsqueeze(-1), x, mean.to(x))

    totals: dict[int, NDArray[np.float64]] = {}
    for tokens, documents in held:
        runs = [token_cross_entropy(model, tokens)]
        for function in (spliced, ablated):
            with edit(model, site, function):
                runs.append(token_cross_entropy(model, tokens))
        counts = torch.full((len(tokens),), float(tokens.shape[1] - 1), dtype=torch.float64)
        rows = torch.stack([counts, *(run.double().sum(1).cpu() for run in runs)], dim=1)
        for document, row in zip(documents.tolist(), rows.numpy(), strict=True):
            totals[document] = totals.get(document, np.zeros(4)) + row
    order = np.array(sorted(totals), dtype=np.int64)
    table = np.stack([totals[document] for document in order.tolist()])
    scored, clean, with_reconstruction, with_mean = table.T
    return CrossEntropyRecovered(
        documents=order,
        tokens=scored,
        clean=clean,
        spliced=with_reconstruction,
        ablated=with_mean,
    )


def _mean_activation(
    model: LanguageModel,
    site: Site,
    held: list[tuple[Tensor, Tensor]],
    left_out: Callable[[Tensor], Tensor],
) -> Float[Tensor, " width"]:
    """Mean activation over the tokens that are not left out."""
    total, count = torch.zeros(model.site_width(site), dtype=torch.float64), 0
    for tokens, _ in held:
        x = capture(model, tokens, [site])[site]
        kept = x[~left_out(x)]
        total += kept.double().sum(0).cpu()
        count += len(kept)
    if count == 0:
        raise AssayError("all tokens of the text are left out; nothing can be spliced in")
    return (total / count).float()

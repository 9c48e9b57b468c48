"""How well position and content are separated, over a dictionary and over each attention head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assay.dictionaries.dictionary import Dictionary
from assay.models.language_model import LanguageModel
from assay.models.sites import HEAD_KINDS, Site
from assay.position.labels import WELL_SEPARATED, label_shares
from assay.position.result import Label, LabelSummary
from assay.statistics.intervals import clopper_pearson
from assay.statistics.jackknife import jackknife_ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray


def summarise_labels(
    labels: list[Label], weights: NDArray[np.float64], chosen: NDArray[np.bool_]
) -> LabelSummary:
    """Summary of the features that ``chosen[features]`` marks, with figures that are not rounded.

    ``weights[groups, features]``: each feature's decoder norm times its summed activation, by
    group of documents, without the sink.
    """
    names = [label for label, use in zip(labels, chosen.tolist(), strict=True) if use]
    common = chosen & np.array([label != "too rare" for label in labels], dtype=bool)
    separated = common & np.array([label in WELL_SEPARATED for label in labels], dtype=bool)
    n, hits = int(common.sum()), int(separated.sum())
    share = weighted = interval = weighted_interval = None
    if n:
        share, interval = hits / n, clopper_pearson(hits, n)
    numerators = weights[:, separated].sum(axis=1)
    denominators = weights[:, common].sum(axis=1)
    if denominators.sum() > 0:
        weighted, low, high = jackknife_ratio(numerators, denominators)
        weighted_interval = (max(low, 0.0), min(high, 1.0))
    return LabelSummary(
        features=len(names),
        not_too_rare=n,
        labels=label_shares(names),
        well_separated=share,
        well_separated_ci=interval,
        well_separated_weighted=weighted,
        well_separated_weighted_ci=weighted_interval,
    )


def summarise_heads(
    labels: list[Label], weights: NDArray[np.float64], heads: NDArray[np.int64]
) -> dict[int, LabelSummary]:
    """One summary for each attention head to which a feature belongs; ``heads[features]``."""
    return {
        head: summarise_labels(labels, weights, heads == head)
        for head in sorted(set(heads.tolist()))
    }


def head_of_features(
    model: LanguageModel, dictionary: Dictionary, site: Site
) -> NDArray[np.int64] | None:
    """[features] the attention head to which each belongs; None where the site has no heads.

    On one head's site, that head. On all heads side by side, the head that holds most of the
    feature's decoder norm.
    """
    if site.kind not in HEAD_KINDS:
        return None
    if site.head is not None:
        return np.full(dictionary.width, site.head, dtype=np.int64)
    decoder = dictionary.W_dec.detach().float().cpu()
    by_head = decoder.unflatten(1, (model.heads_at(site.kind), -1)).norm(dim=-1)
    return by_head.argmax(dim=1).numpy()

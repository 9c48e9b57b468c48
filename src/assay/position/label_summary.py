"""How well position and content are separated, over a dictionary and over each attention head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assay.dictionaries.dictionary import Dictionary
from assay.models.language_model import LanguageModel
from assay.models.sites import HEAD_KINDS, Site
from assay.position.crossed.causal_audit import CausalAudit
from assay.position.labels import WELL_SEPARATED, label_shares
from assay.position.result import LabelSummary, RandomDictionaryFigures
from assay.position.separation_intervals import (
    interval_of_difference,
    interval_of_share,
    mean_share,
    separated_share,
)
from assay.statistics.jackknife import jackknife_ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray


def summarise_labels(
    causal: CausalAudit, weights: NDArray[np.float64], chosen: NDArray[np.bool_]
) -> LabelSummary:
    """Summary of the features that ``chosen[features]`` marks, with figures that are not rounded.

    ``weights[groups, features]``: each feature's decoder norm times its summed activation, by
    group of documents, without the sink.
    """
    labels = causal.labels
    names = [label for label, use in zip(labels, chosen.tolist(), strict=True) if use]
    common = chosen & np.array([label != "too rare" for label in labels], dtype=bool)
    separated = common & np.array([label in WELL_SEPARATED for label in labels], dtype=bool)
    n = int(common.sum())
    weighted = interval = weighted_interval = None
    share = separated_share(causal.separation, chosen)
    if share is not None:
        interval = interval_of_share(share, causal.separation.documents)
    numerators = weights[:, separated].sum(axis=1)
    denominators = weights[:, common].sum(axis=1)
    if denominators.sum() > 0:
        weighted, low, high = jackknife_ratio(numerators, denominators)
        weighted_interval = (max(low, 0.0), min(high, 1.0))
    return LabelSummary(
        features=len(names),
        not_too_rare=n,
        labels=label_shares(names),
        well_separated=None if share is None else share.on_all,
        well_separated_ci=interval,
        well_separated_weighted=weighted,
        well_separated_weighted_ci=weighted_interval,
    )


def summarise_heads(
    causal: CausalAudit, weights: NDArray[np.float64], heads: NDArray[np.int64]
) -> dict[int, LabelSummary]:
    """One summary for each attention head to which a feature belongs; ``heads[features]``."""
    return {
        head: summarise_labels(causal, weights, heads == head)
        for head in sorted(set(heads.tolist()))
    }


def random_dictionary_summary(
    causal: CausalAudit, draw_of_feature: NDArray[np.int64]
) -> RandomDictionaryFigures | None:
    """What random dictionaries reach on the same activations, and how far the trained one is above.

    ``draw_of_feature[features]`` says to which of them each random feature belongs. None where no
    random dictionary was audited.
    """
    random = causal.random_separation
    if random is None:
        return None
    draws = [
        separated_share(random, draw_of_feature == draw)
        for draw in range(draw_of_feature.max() + 1)
    ]
    found = [draw for draw in draws if draw is not None]
    trained = separated_share(causal.separation, np.ones(len(causal.labels), dtype=bool))
    share = ci = difference = interval = None
    if found:
        mean = mean_share(found)
        by_draw = np.array([draw.on_all for draw in found])
        share, ci = mean.on_all, interval_of_share(mean, random.documents, by_draw)
        if trained is not None:
            difference = trained.on_all - mean.on_all
            interval = interval_of_difference(trained - mean, by_draw)
    return RandomDictionaryFigures(
        draws=len(draws),
        features=len(draw_of_feature),
        well_separated=share,
        well_separated_ci=ci,
        difference=difference,
        interval=interval,
        too_rare=float(1 - random.frequent.mean()),
    )


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

"""Measure a query–key dictionary on held-out crops: each head's patterns, the output, the features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.attention.approximations import CROPS_AT_ONCE, Approximation, approximations
from assay.attention.attention_patterns import log_patterns, pattern_kl
from assay.attention.document_intervals import interval_over
from assay.attention.feature_positions import SideFigures, audit_side, position_shares
from assay.attention.layer_attention import AttentionLayer
from assay.attention.output_divergence import measure_output
from assay.attention.pair_figures import pair_figures
from assay.attention.qk_dictionary import QKDictionary
from assay.attention.qk_result import VIEWS, PatternFigures, QKHead, QKResult, View
from assay.attention.qk_source import QKSource
from assay.progress import progress

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray

OUTPUT_CROPS = 32
"""Crops on which the model's output is compared: each is a forward pass through the whole model."""


def measure_qk(source: QKSource, learned: QKDictionary, baseline: QKDictionary) -> QKResult:
    """Every figure of qk.json. ``baseline`` was trained to reconstruct queries and keys alone."""
    views = approximations(source.attention, source.training, learned, baseline)
    measured = _measure_patterns(source, views)
    documents = np.asarray(source.crops.documents)
    sides = {
        "query": audit_side("query", learned.query, source.held_out, documents, source.seed),
        "key": audit_side("key", learned.key, source.held_out, documents, source.seed),
    }
    figures, ranked = pair_figures(source, learned, sides["query"], sides["key"])
    heads = tuple(
        _head(head, source.attention, measured, documents, sides=sides)
        for head in range(source.attention.n_heads)
    )
    return QKResult(
        model=source.model.name,
        layer=source.attention.layer,
        position_scheme=source.model.position_scheme,
        text=source.text,
        width=learned.width,
        k=learned.query.k,
        steps=source.settings.warm_steps + source.settings.steps,
        trained_tokens=source.training.x.shape[0] * source.training.x.shape[1],
        crops=len(documents),
        length=source.crops.tokens.shape[1],
        documents=len(set(documents.tolist())),
        seed=source.seed,
        heads=heads,
        output=measure_output(
            source.model, source.attention, source.held_out, source.crops, views, OUTPUT_CROPS
        ),
        output_crops=min(OUTPUT_CROPS, len(documents)),
        sides=tuple(side.figures for side in sides.values()),
        pairs=figures,
        pairs_for_90=ranked.for_90,
        triples=ranked.triples,
        inputs=dict(source.inputs),
    )


@dataclass(frozen=True, eq=False)
class _Measured:
    """Means over the queries of each crop."""

    kl: Mapping[View, Float[NDArray, "crops heads"]]
    kl0: Mapping[View, Float[NDArray, "crops heads"]]
    same_key: Float[NDArray, "crops heads"]
    sink: Float[NDArray, "crops heads"]


def _measure_patterns(source: QKSource, views: Mapping[View, Approximation]) -> _Measured:
    kl: dict[View, list[NDArray]] = {view: [] for view in VIEWS}
    kl0: dict[View, list[NDArray]] = {view: [] for view in VIEWS}
    same, sink = [], []
    attention, sample = source.attention, source.held_out
    with progress("attention patterns", len(sample), "crops") as advance:
        for start in range(0, len(sample), CROPS_AT_ONCE):
            some = sample.rows(slice(start, start + CROPS_AT_ONCE))
            true = log_patterns(attention, some.q, some.k)
            sink.append(true[..., 1:, 0].exp().mean(dim=-1).numpy())
            for view in VIEWS:
                other = views[view](some)
                kl[view].append(pattern_kl(true, other).mean(dim=-1).numpy())
                without = pattern_kl(true, other, without_first=True)
                kl0[view].append(without.mean(dim=-1).numpy())
                if view == "patterns":
                    agree = true[..., 1:, :].argmax(dim=-1) == other[..., 1:, :].argmax(dim=-1)
                    same.append(agree.double().mean(dim=-1).numpy())
            advance(len(some))
    return _Measured(
        {view: np.concatenate(parts) for view, parts in kl.items()},
        {view: np.concatenate(parts) for view, parts in kl0.items()},
        np.concatenate(same),
        np.concatenate(sink),
    )


def _head(
    head: int,
    attention: AttentionLayer,
    measured: _Measured,
    documents: NDArray,
    *,
    sides: Mapping[str, SideFigures],
) -> QKHead:
    key_head = attention.key_head_of[head]
    views = []
    for view in VIEWS:
        of_kl, of_kl0 = measured.kl[view][:, head], measured.kl0[view][:, head]
        views.append(
            PatternFigures(
                view=view,
                kl=float(of_kl.mean()),
                kl_ci=interval_over(of_kl, documents),
                kl0=float(of_kl0.mean()),
                kl0_ci=interval_over(of_kl0, documents),
            )
        )
    gap = measured.kl0["patterns"][:, head] - measured.kl0["mean squared error"][:, head]
    same = measured.same_key[:, head]
    return QKHead(
        head=head,
        key_head=key_head,
        sink=float(measured.sink[:, head].mean()),
        views=tuple(views),
        kl0_difference=float(gap.mean()),
        kl0_difference_ci=interval_over(gap, documents),
        same_key=float(same.mean()),
        same_key_ci=interval_over(same, documents),
        query_positions=position_shares(sides["query"], head, attention.n_heads),
        key_positions=position_shares(sides["key"], key_head, attention.n_kv_heads),
    )

"""Results of a dictionary with realistic figures: its quality, its position audit, its contexts."""

from __future__ import annotations

import numpy as np
from report_results import a_record

from assay.activations.residual_variance import Estimate, PositionShares, ResidualVariance
from assay.dictionaries.decoded_contexts import DecodedContext, DecodedContexts, FeatureContexts
from assay.dictionaries.quality_result import QualityResult, SplicedCrossEntropy
from assay.position.labels import LABELS, label_shares
from assay.position.result import (
    CausalShares,
    FeatureFigures,
    FeatureLevels,
    LabelSummary,
    LevelFigures,
    NamedFigure,
    OffsetFigures,
    PositionResult,
    PositionSummary,
    RandomDictionaryFigures,
    TokensAtLevels,
)
from assay.reporting import Fact

WIDTH = 120
"""Features of the dictionary."""
STRINGS = ("▁the", "▁state", "\n", "<b>", "▁law", "▁war", "▁zebra", "made/0", "made/1")
HEADLINE = (
    "variance explained without the sink",
    "well-separated features",
    "sink's share of the residual variance",
)


def an_estimate(value, half=0.01):
    """A figure with its interval."""
    return Estimate(value=value, ci=(value - half, value + half))


def a_quality_result(**changes):
    """Quality of a dictionary on 312 held-out documents."""
    fields = {
        "seed": 0,
        "documents": 312,
        "tokens": 39_800,
        "variance_explained": an_estimate(0.62),
        "variance_explained_with_sink": an_estimate(-1.04),
        "l0": an_estimate(32.1, 0.5),
        "dead_features": 0.0021,
        "sink": ResidualVariance(
            sink_share=an_estimate(0.96),
            epsilon2=PositionShares(
                all=an_estimate(0.95),
                no_sink=Estimate(value=0.05, ci=None),
                no_first_8=None,
            ),
            left_out_rate=0.008,
            massive_rate=0.0002,
            documents=312,
            rows=400,
        ),
        "cross_entropy": SplicedCrossEntropy(
            recovered=an_estimate(0.93), documents=48, clean=3.05, spliced=3.55, ablated=8.85
        ),
    }
    return QualityResult(**(fields | changes))


def a_feature(number, label, generator):
    """One feature's figures; a feature that is too rare has no causal shares."""
    eta = float(generator.beta(0.4, 20))
    level = LevelFigures(
        eta2=eta + 0.01,
        eta2_null=0.01,
        eta2_split_half=eta,
        ci=(eta - 0.01, eta + 0.02),
        epsilon2=eta,
    )
    near_start = level.model_copy(update={"eta2_split_half": 0.4, "ci": (0.3, 0.5)})
    return FeatureFigures(
        feature=number,
        firing_rate=float(generator.beta(0.5, 60)),
        firing_documents=3 if label == "too rare" else int(generator.integers(20, 300)),
        levels=FeatureLevels(
            all=level, no_sink=near_start if number == 4 else level, no_first_8=level
        ),
        p=0.01,
        q=0.03,
        indicator=0.002,
        magnitude=None if label == "too rare" else 0.004,
        selectivity=0.05,
        head=None,
        causal=None if label == "too rare" else some_shares(float(generator.beta(0.5, 8))),
        label=label,
    )


def some_shares(t):
    """Causal shares of a feature whose total index of position is ``t``."""
    fields = {}
    for name, share in {"s_pos": t / 4, "s_ctx": 1 - t, "s_int": 3 * t / 4, "t_pos": t}.items():
        fields |= {name: share, f"{name}_low": share - 0.03, f"{name}_high": share + 0.03}
    return CausalShares(**fields, filler_share=0.19)


def a_label_summary(labels, kind=LabelSummary, **changes):
    """The summary of features with these labels."""
    fields = {
        "features": len(labels),
        "not_too_rare": len(labels) - labels.count("too rare"),
        "labels": label_shares(labels),
        "well_separated": 0.7,
        "well_separated_ci": (0.6, 0.8),
        "well_separated_weighted": 0.8,
        "well_separated_weighted_ci": (0.75, 0.85),
    }
    return kind(**(fields | changes))


def a_position_result(**changes):
    """An audit of 120 features on two attention heads, with the causal design."""
    generator = np.random.default_rng(0)
    labels = [LABELS[min(int(generator.exponential(1.2)), 5)] for _ in range(WIDTH)]
    labels[4] = "content"
    heads = {0: a_label_summary(labels[:60]), 1: a_label_summary(labels[60:])}
    fields = {
        "model": "made",
        "site": "z.1",
        "dictionary": "batch_topk, 120 features",
        "documents": 312,
        "rows": 400,
        "length": 128,
        "seed": 0,
        "first_token": 1,
        "left_out": "position 0 and every token whose norm exceeds 10 × the median",
        "left_out_rate": 0.008,
        "level": "no_sink",
        "tokens": TokensAtLevels(all=51_200, no_sink=50_700, no_first_8=48_000),
        "summary": a_label_summary(labels, PositionSummary, by_head=heads),
        "label_reason": None,
        "treatment": None,
        "random_dictionary": RandomDictionaryFigures(
            draws=3,
            features=3 * WIDTH,
            well_separated=0.62,
            well_separated_ci=(0.55, 0.69),
            difference=0.08,
            interval=(0.02, 0.14),
            too_rare=0.41,
        ),
        "noise_floor": 0.005,
        "sink_distance": None,
        "cross_entropy_by_offset": (
            an_offset(0, used=False),
            an_offset(128, used=True),
            an_offset(256, used=False),
        ),
        "guard": "Only content tokens after the first 8 are scored.",
        "beside": (NamedFigure(name="median filler share", value=0.19, note="context"),),
        "features": tuple(
            a_feature(number, label, generator) for number, label in enumerate(labels)
        ),
    }
    return PositionResult(**(fields | changes))


def an_audit_without_labels(**changes):
    """An audit for which the causal design was not run."""
    labelled = a_position_result()
    fields = {
        "summary": PositionSummary(
            features=WIDTH,
            not_too_rare=None,
            labels={},
            well_separated=None,
            well_separated_ci=None,
            well_separated_weighted=None,
            well_separated_weighted_ci=None,
            by_head=None,
        ),
        "label_reason": "the causal design was not asked for",
        "random_dictionary": None,
        "noise_floor": None,
        "cross_entropy_by_offset": None,
        "guard": None,
        "beside": (),
        "features": tuple(
            feature.model_copy(update={"label": None, "causal": None, "firing_rate": 0.0})
            for feature in labelled.features
        ),
    }
    return a_position_result(**(fields | changes))


def an_offset(offset, *, used):
    """The change in cross-entropy at one offset."""
    return OffsetFigures(
        offset=offset,
        first_8=0.8,
        rest=0.09,
        rest_against_others=0.01,
        uncertainty=0.02,
        used=used,
    )


def some_contexts():
    """Contexts of every feature; feature 3 promotes ▁zebra, feature 7 never fires."""
    generator = np.random.default_rng(1)
    features = []
    for number in range(WIDTH):
        contexts = () if number == 7 else tuple(a_context(generator) for _ in range(3))
        promoted = ((6, 1.5),) if number == 3 else ((number % 6, 1.0),)
        features.append(FeatureContexts(contexts=contexts, promoted=promoted))
    return DecodedContexts(strings=STRINGS, features=tuple(features))


def a_context(generator):
    """Twenty tokens around a peak."""
    return DecodedContext(
        tokens=tuple(generator.integers(0, 6, 20).tolist()),
        levels="".join(str(level) for level in generator.integers(0, 10, 20)),
        position=int(generator.integers(14, 100)),
        activation=4.2,
        document=7,
        start=96,
    )


def whole_dictionary():
    """The fields of a page of a dictionary, with everything on it."""
    return {
        "title": "made",
        "facts": (
            Fact("model", "made"),
            Fact("site", "z.1"),
            Fact("text", "made & <b>escaped</b>"),
        ),
        "evidence": (
            a_record(HEADLINE[0], 0.62),
            a_record(HEADLINE[1], 0.7),
            a_record(HEADLINE[2], 0.95),
            a_record("L0", 32.1),
        ),
        "headline": HEADLINE,
        "notes": ("One thing to know.",),
        "quality": a_quality_result(),
        "position": a_position_result(),
        "contexts": some_contexts(),
    }

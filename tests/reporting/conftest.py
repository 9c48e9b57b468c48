"""A page of made-up measurements with everything on it, and headless Chromium to look at it."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest

from assay.dictionaries import DecodedContext, DecodedContexts, FeatureContexts
from assay.evidence import Evidence
from assay.reporting.feature_table import examples_of_page
from assay.reporting.page import Page

WORDS = ["▁the", "▁state", "\n", "<b>", "▁law", "▁war", "▁peace", "def", "▁self", "(", ")"]
LABELS = ["content", "semi-local", "undetermined", "too rare", "additive", "position"]


def made_position(features=120, heads=("resid",)):
    """The layout of position.json with made-up figures."""
    generator = np.random.default_rng(0)
    rows = []
    for number in range(features):
        label = LABELS[min(int(generator.exponential(1.2)), 5)]
        rare = label == "too rare"
        eta = float(generator.beta(0.4, 20))
        level = {
            "eta2": eta + 0.01,
            "eta2_null": 0.01,
            "eta2_split_half": eta,
            "ci": [eta - 0.01, eta + 0.02],
            "epsilon2": eta,
        }
        causal = None
        if not rare:
            t = float(generator.beta(0.5, 8))
            shares = {"s_pos": t / 4, "s_ctx": 1 - t, "s_int": 3 * t / 4, "t_pos": t}
            causal = {}
            for name, share in shares.items():
                causal |= {name: share, f"{name}_low": share - 0.03, f"{name}_high": share + 0.03}
        rows.append(
            {
                "feature": number,
                "firing_rate": float(generator.beta(0.5, 60)),
                "firing_documents": 3 if rare else int(generator.integers(20, 300)),
                "levels": {name: level for name in ("all", "no_sink", "no_first_8")},
                "p": 0.01,
                "q": 0.03,
                "indicator": 0.002,
                "magnitude": None,
                "selectivity": 0.05,
                "causal": causal,
                "label": label,
            }
        )
    shares = {label: sum(r["label"] == label for r in rows) / features for label in LABELS}
    summary = {
        "features": features,
        "labels": shares,
        "well_separated": 0.7,
        "well_separated_ci": [0.6, 0.8],
        "well_separated_weighted": 0.8,
    }
    return {
        "model": "made",
        "site": "resid_post.1",
        "features": rows,
        "summary": {**summary, "by_head": {head: summary for head in heads}},
        "noise_floor": 0.005,
        "sink_distance": 0.1,
        "cross_entropy_by_offset": [],
    }


def made_contexts(features=120):
    """Three contexts a feature, none for feature 7."""
    generator = np.random.default_rng(1)
    strings = (*WORDS, *(f"made/{i}" for i in range(5)), "▁zebra", "▁x")
    made = []
    for feature in range(features):
        contexts = tuple(
            DecodedContext(
                tokens=tuple(generator.integers(0, len(WORDS), 20).tolist()),
                levels="".join(map(str, generator.integers(0, 10, 20).tolist())),
                position=int(generator.integers(0, 32)),
                activation=round(float(generator.exponential(1.0)), 3),
                document=strings.index(f"made/{feature % 5}"),
                start=feature % 5,
            )
            for _ in range(0 if feature == 7 else 3)
        )
        second = strings.index("▁zebra" if feature == 3 else "▁x")
        promoted = ((feature % len(WORDS), 1.5), (second, 1.0))
        made.append(FeatureContexts(contexts=contexts, promoted=promoted))
    return DecodedContexts(strings=strings, features=tuple(made))


@pytest.fixture
def page():
    """A whole page."""
    examples = examples_of_page(made_contexts())
    evidence = [
        Evidence(
            metric=metric,
            estimate=estimate,
            ci=(estimate - 0.02, estimate + 0.02),
            method="delete-a-group jackknife over documents",
            n=300,
            unit="documents",
            split="held_out",
            seed=0,
            inputs={"model": "0" * 64},
            note="A note.",
        )
        for metric, estimate in (
            ("variance explained without the sink", 0.62),
            ("well-separated features", 0.7),
            ("sink's share of the residual variance", 0.95),
            ("L0", 32.1),
        )
    ]
    return Page(
        title="made",
        facts=[("model", "made"), ("site", "resid_post.1"), ("text", "made & <b>escaped</b>")],
        evidence=evidence,
        headline=[record.metric for record in evidence[:3]],
        position=made_position(heads=("q.3.h0", "q.3.h1")),
        sink={
            "epsilon2": {
                "all": (0.95, 0.94, 0.96),
                "no_sink": (0.05, 0.04, 0.06),
                "no_first_8": (0.003, 0.001, 0.005),
            },
            "sink_share": (0.96, 0.95, 0.97),
            "left_out_rate": 0.008,
            "massive_rate": 0.0002,
            "documents": 300,
            "rows": 300,
        },
        quality=["variance explained without the sink", "L0"],
        examples=examples,
        notes=["One thing to know."],
    )


@pytest.fixture(scope="session")
def chromium():
    """A headless browser without a network."""
    from playwright.sync_api import sync_playwright

    path = shutil.which(os.environ.get("ASSAY_CHROMIUM", "chromium"))
    assert path, "Chromium is needed to look at the report: make browser"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()

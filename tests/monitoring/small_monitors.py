"""Transcripts of random letters, and monitors of a tiny model that fire on some of them."""

from __future__ import annotations

import json
import string
from pathlib import Path

from assay.concerns import Budgets, Deployment
from assay.models import LanguageModel
from assay.monitoring import (
    Monitor,
    MonitorSettings,
    OrganismSensitivity,
    Rollback,
    Scoring,
    WatchedFeature,
    calibrate,
)
from assay.randomness import numpy_generator
from assay.text import Message, Transcript

SITE = "resid_post.1"


def random_text(generator) -> str:
    letters = list(string.ascii_lowercase + "   ")
    return "".join(generator.choice(letters, size=int(generator.integers(3, 40))))


def transcripts(n: int, seed: int = 0) -> list[Transcript]:
    generator = numpy_generator(seed, "small transcripts")
    return [
        Transcript(
            id=f"{seed}-{i}",
            messages=(
                Message(role="user", content=random_text(generator)),
                Message(role="assistant", content=random_text(generator)),
            ),
        )
        for i in range(n)
    ]


def write_transcripts(path: Path, rows: list[Transcript]) -> Path:
    path.write_text("".join(row.model_dump_json() + "\n" for row in rows))
    return path


def small_scoring(width: int, features: int = 3, **changes) -> Scoring:
    directions = numpy_generator(1, "small directions").normal(size=(features, width))
    rows = tuple(
        WatchedFeature(name=f"f{i}", feature=i, direction=tuple(row), bias=0.1, threshold=0.2)
        for i, row in enumerate(directions.tolist())
    )
    return Scoring(**({"site": SITE, "features": rows, "aggregation": "max"} | changes))


def small_settings(
    *, fpr=0.2, delta=0.1, horizon=1000, fallback=None, **rollback
) -> MonitorSettings:
    return MonitorSettings(
        case="small",
        budgets=Budgets(fpr=fpr, delta=delta),
        deployment=Deployment(horizon=horizon, base_rate=0.01),
        rollback=Rollback(**rollback),
        fallback=fallback,
    )


CAUGHT = OrganismSensitivity(
    organism="one",
    concern="deceit",
    verified=True,
    fired=16,
    n=20,
    icc=0.1,
    n_effective=20.0,
    lower=0.6,
    upper=0.93,
    benign_fired=0,
    benign_n=20,
    benign_n_effective=20.0,
    benign_p=1.0,
    near_miss_fired=0,
    near_miss_n=20,
    near_miss_lower=0.0,
)


def small_monitor(
    model: LanguageModel, scoring: Scoring | None = None, *, sensitivities=(CAUGHT,), **settings
) -> Monitor:
    scoring = scoring or small_scoring(model.d_model)
    benign = transcripts(60, seed=9)
    return calibrate(
        model, scoring, benign, small_settings(**settings), sensitivities=sensitivities
    )


def rows_of(path: Path) -> list[dict]:
    import sqlite3

    connection = sqlite3.connect(path)
    try:
        return [json.loads(body) for (body,) in connection.execute("SELECT body FROM rows")]
    finally:
        connection.close()

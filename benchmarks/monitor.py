"""Time generation with and without watching 64 features, taking turns.

Run with Assay's own environment: python benchmarks/monitor.py [--rounds 100] [--no-write]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from machine import describe_machine
from results_file import write_section
from scipy.stats import binom

from assay.models import LanguageModel, generate, load_model
from assay.monitoring import Scoring, WatchedFeature, watching_generation
from assay.monitoring.scoring import FeatureReader
from assay.randomness import numpy_generator, torch_generator
from assay.text import Message, tokenize_chat

HERE = Path(__file__).parent
FEATURES = 64
TARGET = 0.01
QUESTIONS = ("How do plants drink?", "Name three rivers.", "Why is the sky blue?", "What is tea?")


def random_scoring(width: int, site: str) -> Scoring:
    """64 random directions, each a JumpReLU feature; what they point at costs nothing."""
    rows = numpy_generator(0, "benchmark/monitor").normal(size=(FEATURES, width)) / width**0.5
    features = tuple(
        WatchedFeature(name=f"feature{i}", feature=i, direction=tuple(row), bias=0.0, threshold=0.5)
        for i, row in enumerate(rows.tolist())
    )
    return Scoring(site=site, features=features, aggregation="max")


def seconds(
    model: LanguageModel, prompts: list[list[int]], tokens: int, scoring: Scoring | None
) -> tuple[float, list[list[int]]]:
    """Wall time of one generation, watched or not, and what was written."""
    context = watching_generation(model, scoring) if scoring else contextlib.nullcontext()
    begun = time.perf_counter()
    with context:
        written = generate(model, prompts, max_new_tokens=tokens, batch_size=len(prompts))
    return time.perf_counter() - begun, written


def reading_alone(model: LanguageModel, rows: int, scoring: Scoring) -> float:
    """Seconds for reading the features of one decoding step, median of many."""
    reader = FeatureReader.of(scoring, model.device)
    generator = torch_generator(0, "benchmark/activations")
    x = torch.randn(rows, 1, model.d_model, generator=generator).to(model.device, model.dtype)
    taken = []
    for _ in range(500):
        begun = time.perf_counter()
        reader.read(x)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def median_interval(values: list[float]) -> tuple[float, float]:
    """95 % interval of the median, from order statistics: no distribution is assumed."""
    ordered = sorted(values)
    below = max(int(binom.ppf(0.025, len(ordered), 0.5)) - 1, 0)
    return ordered[below], ordered[len(ordered) - 1 - below]


def verdict(least: float, most: float) -> str:
    """What the interval says of the target."""
    if most <= TARGET:
        return "reached"
    return "missed" if least > TARGET else "this machine is too unsteady to tell"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--tokens", type=int, default=8, help="new tokens a row, at most")
    parser.add_argument("--rows", type=int, default=16, help="conversations a batch")
    parser.add_argument("--site", default="resid_post.15")
    parser.add_argument("--no-write", action="store_true", help="print only")
    options = parser.parse_args()
    model = load_model("smollm2-135m-instruct")
    scoring = random_scoring(model.d_model, options.site)
    prompts = [
        list(
            tokenize_chat(
                model.tokenizer,
                [Message(role="user", content=QUESTIONS[i % len(QUESTIONS)])],
                add_generation_prompt=True,
            ).tokens
        )
        for i in range(options.rows)
    ]
    _, plain = seconds(model, prompts, options.tokens, None)
    _, watched = seconds(model, prompts, options.tokens, scoring)
    assert plain == watched, "watching changed what was generated"
    new = sum(map(len, plain))
    pairs = []
    for turn in range(options.rounds):
        order = (None, scoring) if turn % 2 == 0 else (scoring, None)
        taken = {how is None: seconds(model, prompts, options.tokens, how)[0] for how in order}
        pairs.append((taken[True], taken[False]))
    ratios = [with_it / without - 1 for without, with_it in pairs]
    low, median, high = np.quantile(ratios, [0.1, 0.5, 0.9])
    least, most = median_interval(ratios)
    rates = [statistics.median(new / pair[i] for pair in pairs) for i in (0, 1)]
    alone = reading_alone(model, options.rows, scoring)
    step = statistics.median(pair[0] for pair in pairs) / max(map(len, plain))
    lines = [
        describe_machine() + ".",
        "",
        f"{model.name}, {options.rows} rows at once, {new:,} new tokens a turn, {options.rounds} turns "
        f"of each, alternating; {FEATURES} features at {options.site}, read on every token.",
        "",
        "| generation | new tokens/s, median |",
        "|---|---|",
        f"| not watched | {rates[0]:,.0f} |",
        f"| watched | {rates[1]:,.0f} |",
        "",
        f"Watching costs {median:.2%} of the time, median of the ratios within a turn "
        f"(95 % interval of the median {least:.2%} to {most:.2%}; 10–90 % of the turns {low:.2%} to "
        f"{high:.2%}); target {TARGET:.0%}: {verdict(least, most)}.",
        "",
        f"The reading alone, timed by itself: {alone * 1e6:,.0f} µs of a step of {step * 1e3:,.1f} ms, "
        f"{alone / step:.3%}.",
    ]
    print("\n".join(lines))
    if options.no_write:
        return
    write_section(HERE / "RESULTS.md", "monitor", "Monitor", lines)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    figures = {"pairs_seconds": pairs, "cost_median": float(median), "reading_share": alone / step}
    (results / "monitor.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()

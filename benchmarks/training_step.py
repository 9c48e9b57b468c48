"""Time a dictionary training step against the libraries that people use, in one process.

The contenders take turns, one step each on the same batch (A B C A B C …), so that whatever else
the machine does falls on all alike; ratios are taken within each round. ``make bench`` runs it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from contenders import BATCH_TOPK, TOPK, Setting
from machine import describe_machine
from results_file import write_section
from torch import Tensor

HERE = Path(__file__).parent
PACKAGES = ("torch", "eai-sparsify", "dictionary-learning", "sae-lens")
TARGETS = [
    ("Assay TopK, bf16 selection", "sparsify TopK", 3.0),
    ("Assay TopK, fp32", "sparsify TopK", 1.9),
    ("Assay BatchTopK, bf16 selection", "dictionary_learning BatchTopK", 10.0),
    ("Assay BatchTopK, bf16 selection", "SAELens BatchTopK", 10.0),
    ("Assay BatchTopK, fp32", "dictionary_learning BatchTopK", 6.0),
    ("Assay BatchTopK, fp32", "SAELens BatchTopK", 6.0),
]
LOSS_TOLERANCE = 0.02
"""Losses are called equal within this share of the peer's."""
LAST = 20
"""The loss compared is the mean over this many last steps."""
WARM_ROUNDS = 3
"""Rounds not counted in the timings."""


@dataclass(frozen=True)
class Rounds:
    """What one run of all contenders measured."""

    threads: int
    seconds: dict[str, list[float]]
    """Seconds of each contender's step, one a round."""
    losses: dict[str, list[float]]
    """Loss before each update."""


def planted_batches(count: int, rows: int, d: int, features: int, active: int) -> list[Tensor]:
    """Sparse sums of random unit directions with Zipf-like rates, plus noise; centred, scale 1."""
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(features, d, generator=generator)
    directions = torch.nn.functional.normalize(directions, dim=1)
    rates = 1 / torch.arange(20, features + 20, dtype=torch.float64)
    batches = []
    for _ in range(count):
        drawn = torch.multinomial(rates, rows * active, True, generator=generator)
        sizes = torch.rand(rows, active, generator=generator) + 0.2
        x = torch.nn.functional.embedding_bag(
            drawn.view(rows, active), directions, per_sample_weights=sizes, mode="sum"
        )
        batches.append(x + 0.2 * torch.randn(rows, d, generator=generator) / d**0.5)
    mean = batches[0].mean(0)
    spread = (batches[0] - mean).pow(2).sum(1).mean().sqrt()
    return [x / spread for x in batches]


def run_rounds(
    contenders: dict, setting: Setting, batches: list[Tensor], rounds: int, threads: int
) -> Rounds:
    """All contenders, step by step in turn."""
    torch.set_num_threads(threads)
    steps = {name: start(setting) for name, start in contenders.items()}
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    losses: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds):
        x = batches[number % len(batches)]
        for name, step in steps.items():
            begun = time.perf_counter()
            losses[name].append(step(x))
            seconds[name].append(time.perf_counter() - begun)
        if sys.stderr.isatty():
            print(f"\r{threads} threads: round {number + 1}/{rounds}", end="", file=sys.stderr)
    return Rounds(threads, {name: taken[WARM_ROUNDS:] for name, taken in seconds.items()}, losses)


def floors(setting: Setting, threads: int, repeats: int = 15) -> dict[str, float]:
    """Median seconds of the dense encoder product alone, which every step must pay."""
    torch.set_num_threads(threads)
    taken = {}
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        x, weight = setting.first.to(dtype), setting.directions.to(dtype)
        out = torch.empty(len(x), len(weight), dtype=dtype)
        times = []
        for _ in range(repeats):
            begun = time.perf_counter()
            torch.mm(x, weight.T, out=out)
            times.append(time.perf_counter() - begun)
        taken[name] = quantile(times, 0.5)
    return taken


def quantile(values: list[float], share: float) -> float:
    return float(torch.tensor(values, dtype=torch.float64).quantile(share))


def report(rounds: Rounds, floor: dict[str, float]) -> tuple[list[str], list[str], dict]:
    """Tables as lines of Markdown, what fell short, and the figures as JSON values."""
    threads = f"{rounds.threads} thread{'s' if rounds.threads > 1 else ''}"
    lines = [
        f"**{threads}**, "
        f"{len(next(iter(rounds.losses.values())))} steps. The dense encoder product alone: "
        f"{floor['fp32'] * 1e3:.0f} ms in fp32, {floor['bf16'] * 1e3:.0f} ms in bf16.",
        "",
        "| step | median ms | 10–90 % | loss at the end |",
        "|---|---|---|---|",
    ]
    for name, taken in rounds.seconds.items():
        low, middle, high = (quantile(taken, share) * 1e3 for share in (0.1, 0.5, 0.9))
        loss = sum(rounds.losses[name][-LAST:]) / len(rounds.losses[name][-LAST:])
        lines.append(f"| {name} | {middle:.0f} | {low:.0f}–{high:.0f} | {loss:.4f} |")
    lines += ["", "| ratio | median | 10–90 % | target | loss |", "|---|---|---|---|---|"]
    short, ratios = [], []
    for ours, theirs, target in TARGETS:
        pairs = zip(rounds.seconds[theirs], rounds.seconds[ours], strict=True)
        each = [slow / fast for slow, fast in pairs]
        low, middle, high = (quantile(each, share) for share in (0.1, 0.5, 0.9))
        worse = end_loss(rounds, ours) / end_loss(rounds, theirs) - 1
        loss = "equal" if abs(worse) <= LOSS_TOLERANCE else f"{worse:+.1%}"
        title = f"{theirs} / {ours}"
        lines.append(f"| {title} | {middle:.2f} | {low:.2f}–{high:.2f} | {target:g} | {loss} |")
        ratios.append({"ratio": title, "median": middle, "low": low, "high": high, "loss": worse})
        if middle < target:
            short.append(f"{title}, {threads}: {middle:.2f} of {target:g}")
        if worse > LOSS_TOLERANCE:
            short.append(f"{title}, {threads}: loss {worse:+.1%}")
    figures = {
        "threads": rounds.threads,
        "floor_ms": {name: value * 1e3 for name, value in floor.items()},
        "median_ms": {n: quantile(t, 0.5) * 1e3 for n, t in rounds.seconds.items()},
        "ratios": ratios,
    }
    return lines, short, figures


def end_loss(rounds: Rounds, name: str) -> float:
    last = rounds.losses[name][-LAST:]
    return sum(last) / len(last)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--steps", type=int, default=200, help="steps of the first thread count")
    parser.add_argument("--threads", type=int, nargs="+", default=[2, 1])
    parser.add_argument("--timing-steps", type=int, default=40, help="steps of the others")
    parser.add_argument("--rows", type=int, default=2048)
    parser.add_argument("--d", type=int, default=576)
    parser.add_argument("--width", type=int, default=4608)
    parser.add_argument("--k", type=int, default=32)
    parser.add_argument("--no-write", action="store_true", help="print only")
    options = parser.parse_args()

    batches = planted_batches(
        min(options.steps, 50), options.rows, options.d, 2 * options.width, 2 * options.k
    )
    generator = torch.Generator().manual_seed(1)
    directions = torch.randn(options.width, options.d, generator=generator)
    setting = Setting(
        width=options.width,
        k=options.k,
        steps=options.steps,
        rate=2e-4 / (options.width / 2**14) ** 0.5,
        directions=torch.nn.functional.normalize(directions, dim=1),
        first=batches[0],
    )
    lines = [
        f"{describe_machine(PACKAGES)}.",
        "",
        f"One training step, d = {options.d}, m = {options.width}, k = {options.k}, batch "
        f"{options.rows}, Adam, planted sparse data, same start and same batches for all. Loss: "
        f"mean squared error over that of predicting the mean, mean of the last {LAST} steps.",
        "",
    ]
    short, figures = [], []
    for number, threads in enumerate(options.threads):
        steps = options.steps if number == 0 else options.timing_steps
        rounds = run_rounds({**TOPK, **BATCH_TOPK}, setting, batches, steps, threads)
        table, missed, values = report(rounds, floors(setting, threads))
        lines += [*table, ""]
        short += missed
        figures.append(values)
    lines.append("Short of the targets: " + ("; ".join(short) if short else "nothing") + ".")
    print("\n".join(lines))
    if not options.no_write:
        write_section(HERE / "RESULTS.md", "training-step", "Dictionary training step", lines)
        folder = HERE / "results"
        folder.mkdir(exist_ok=True)
        text = json.dumps(
            {"machine": describe_machine(PACKAGES), "runs": figures, "short": short}, indent=1
        )
        (folder / "training_step.json").write_text(text + "\n")


if __name__ == "__main__":
    main()

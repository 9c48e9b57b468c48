"""Time dictionary training steps on a device against each other, their floor, and their memory."""

from __future__ import annotations

import gc
from dataclasses import dataclass

import torch
from contenders import Setting
from steps import CONTENDERS, MissingError, Step
from timing import median, peak_bytes, planted_batch, seconds_of
from torch import Tensor

OURS = "Assay TopK, bf16 selection"
WARM_ROUNDS = 3
"""Rounds not counted: the first steps compile kernels and allocate memory."""
BATCHES = 4
"""Different batches, used in turn."""


@dataclass(frozen=True)
class Size:
    """One size of dictionary and batch."""

    d: int
    width: int
    k: int
    rows: int
    rounds: int
    in_turn: bool
    """One step of each contender in turn; else one contender after the other, where their states
    together would not fit the device's memory."""


def measure(size: Size, device: torch.device) -> dict:
    """Figures of one size: milliseconds, losses and peak memory of each contender, and the floor."""
    batches = [
        planted_batch(size.rows, size.d, size.k, seed=i, device=device) for i in range(BATCHES)
    ]
    generator = torch.Generator(device).manual_seed(99)
    directions = torch.randn(size.width, size.d, generator=generator, device=device)
    setting = Setting(
        width=size.width,
        k=size.k,
        steps=size.rounds,
        rate=2e-4 / (size.width / 2**14) ** 0.5,
        directions=torch.nn.functional.normalize(directions, dim=1),
        first=batches[0],
    )
    left_out, peaks = {}, {}
    for name in CONTENDERS:
        try:
            peaks[name] = peak_memory(setting, name, batches, device)
        except MissingError as error:
            left_out[name] = str(error)
        except Exception as error:
            if name.startswith("Assay"):
                raise
            # What another library cannot do here is a finding, no reason to stop.
            left_out[name] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    milliseconds: dict[str, list[float]] = {}
    losses: dict[str, list[float]] = {}
    for names in [list(peaks)] if size.in_turn else [[name] for name in peaks]:
        steps = {name: CONTENDERS[name](setting) for name in names}
        taken, ended = run_rounds(steps, batches, size.rounds, device)
        milliseconds |= taken
        losses |= ended
        del steps
        gc.collect()
    return {
        "d": size.d,
        "width": size.width,
        "k": size.k,
        "rows": size.rows,
        "rounds": size.rounds - WARM_ROUNDS,
        "in_turn": size.in_turn,
        "floor_ms": floor(setting, device),
        "median_ms": {name: median(taken) for name, taken in milliseconds.items()},
        "ratios": {
            name: median([b / a for a, b in zip(milliseconds[OURS], taken, strict=True)])
            for name, taken in milliseconds.items()
        },
        "last_loss": {name: taken[-1] for name, taken in losses.items()},
        "peak_mib": {name: peak and peak / 2**20 for name, peak in peaks.items()},
        "left_out": left_out,
    }


def run_rounds(
    steps: dict[str, Step], batches: list[Tensor], rounds: int, device: torch.device
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """All contenders, one step each in turn: milliseconds without the warm rounds, and losses."""
    milliseconds: dict[str, list[float]] = {name: [] for name in steps}
    losses: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds):
        x = batches[number % len(batches)]
        for name, step in steps.items():
            taken = seconds_of(lambda: losses[name].append(step(x)), device)  # noqa: B023
            if number >= WARM_ROUNDS:
                milliseconds[name].append(1e3 * taken)
    return milliseconds, losses


def peak_memory(
    setting: Setting, name: str, batches: list[Tensor], device: torch.device
) -> int | None:
    """Of two steps of one contender alone, its parameters and Adam's moments included."""

    def two_steps() -> None:
        step = CONTENDERS[name](setting)
        step(batches[0])
        step(batches[1])

    peak = peak_bytes(two_steps, device)
    gc.collect()
    return peak


def floor(setting: Setting, device: torch.device, repeats: int = 30) -> float:
    """Median milliseconds of the dense encoder product in bfloat16, which every step must pay."""
    x, weight = setting.first.bfloat16(), setting.directions.bfloat16()
    out = torch.empty(len(x), len(weight), dtype=torch.bfloat16, device=device)
    taken = [seconds_of(lambda: torch.mm(x, weight.T, out=out), device) for _ in range(repeats)]
    return 1e3 * median(taken[WARM_ROUNDS:])


def table(figures: dict) -> list[str]:
    """The figures of one size as Markdown."""
    lines = [
        f"**Training step**, d = {figures['d']:,}, m = {figures['width']:,}, k = {figures['k']}, "
        f"batch {figures['rows']:,}, median of {figures['rounds']} steps, "
        f"{'the contenders in turn' if figures['in_turn'] else 'one contender after the other'}. "
        f"The bf16 encoder product alone (the floor): {figures['floor_ms']:.3g} ms.",
        "",
        f"| step | ms | times the floor | times {OURS} | last loss | peak memory, MiB |",
        "|---|---|---|---|---|---|",
    ]
    for name, taken in figures["median_ms"].items():
        peak = figures["peak_mib"][name]
        lines.append(
            f"| {name} | {taken:.3g} | {taken / figures['floor_ms']:.1f} | "
            f"{figures['ratios'][name]:.2f} | {figures['last_loss'][name]:.4f} | "
            f"{'–' if peak is None else f'{peak:,.0f}'} |"
        )
    lines += [f"| {name} | not run: {why} | | | | |" for name, why in figures["left_out"].items()]
    return [*lines, ""]

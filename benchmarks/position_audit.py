"""The observational position audit against dense numpy, and its memory as tokens grow.

    python benchmarks/position_audit.py [--documents 768] [--width 4608] [--rounds 3]

Both sides compute the same figures from the same codes (they are compared first): the sparse one
from sparse codes in one pass, the dense one from an array [documents, positions, features] that is
already in memory. Rounds are interleaved A B A B; the table shows medians.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from dense_position import dense_figures
from machine import describe_machine
from results_file import write_section

from assay.dictionaries.codes import SparseCodes
from assay.position import PositionSums, summarise

LENGTH, K, GROUPS = 128, 32, 16
ROWS_AT_ONCE = 16
REPORT = Path(__file__).parent / "RESULTS.md"
RESULTS = Path(__file__).parent / "results" / "position_audit.json"


def random_codes(generator, rows, width):
    """k firings a token; features of widely different densities, as in trained dictionaries."""
    density = np.exp(generator.normal(0, 1.5, size=width))
    edges = np.cumsum(density) / density.sum()
    features = np.searchsorted(edges, generator.random((rows * LENGTH, K))).clip(0, width - 1)
    features.sort(axis=1)
    keep = np.ones(features.shape, dtype=bool)
    keep[:, 1:] = features[:, 1:] != features[:, :-1]
    tokens = np.repeat(np.arange(rows * LENGTH), K).reshape(features.shape)[keep]
    values = generator.lognormal(0, 0.7, size=len(tokens)).astype(np.float32)
    return SparseCodes.from_rows(
        torch.from_numpy(tokens),
        torch.from_numpy(features[keep]),
        torch.from_numpy(values),
        row_count=rows * LENGTH,
        width=width,
    )


def sparse_audit(batches, documents, width, permutations):
    sums = PositionSums(
        np.arange(documents), width, LENGTH, jackknife_groups=GROUPS, permutations=permutations
    )
    for codes in batches:
        sums.add(codes)
    return sums, summarise(sums)


def compare(documents, width, permutations, rounds):
    """Medians of interleaved rounds, after checking that both sides agree."""
    generator = np.random.default_rng(0)
    batches = [
        random_codes(generator, ROWS_AT_ONCE, width) for _ in range(documents // ROWS_AT_ONCE)
    ]
    dense = np.concatenate([codes.dense().numpy() for codes in batches])
    dense = dense.reshape(-1, LENGTH, width)
    documents = len(dense)
    sums, found = sparse_audit(batches, documents, width, permutations)
    shifts = np.zeros((documents, 0), dtype=np.int64)
    if permutations:
        shifts = np.stack([sums.shifts.shifts_of(d).numpy() for d in range(documents)])
    other = dense_figures(dense, sums.group_of_row, GROUPS, shifts)
    worst = largest_difference(found, other)
    times = {"sparse": [], "dense": []}
    for _ in range(rounds):
        begin = time.perf_counter()
        sparse_audit(batches, documents, width, permutations)
        middle = time.perf_counter()
        dense_figures(dense, sums.group_of_row, GROUPS, shifts)
        times["dense"].append(time.perf_counter() - middle)
        times["sparse"].append(middle - begin)
    sparse_s, dense_s = (statistics.median(times[side]) for side in ("sparse", "dense"))
    return {
        "documents": documents,
        "tokens": documents * LENGTH,
        "permutations": permutations,
        "sparse_seconds": sparse_s,
        "dense_seconds": dense_s,
        "ratio": dense_s / sparse_s,
        "largest_difference": worst,
    }


def largest_difference(found, other):
    pairs = [
        (getattr(level, name), other[key][name])
        for key, level in found.levels.items()
        for name in ("eta2", "eta2_split_half")
    ]
    pairs += [
        (getattr(found, name), other[name]) for name in ("indicator", "magnitude", "selectivity")
    ]
    pairs.append((found.firing_rate, other["firing_rate"]))
    for mine, theirs in pairs:
        # A feature that varies, but only outside a level, has 0 there on one side, NaN on the other.
        if (np.isnan(mine) != np.isnan(theirs) & (mine != 0)).any():
            raise SystemExit("the two sides disagree on which features are too rare")
    return float(max(np.nanmax(np.abs(mine - theirs)) for mine, theirs in pairs))


def peak_memory(documents, width, permutations):
    """Peak resident memory, in MB, of a fresh process that streams so many documents."""
    argv = [sys.executable, __file__, "--stream", str(documents), "--width", str(width)]
    done = subprocess.run(
        [*argv, "--permutations", str(permutations)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def stream(documents, width, permutations):
    generator = np.random.default_rng(0)
    batches = (
        random_codes(generator, ROWS_AT_ONCE, width) for _ in range(documents // ROWS_AT_ONCE)
    )
    sparse_audit(batches, documents, width, permutations)
    # Not getrusage: a child process starts with its parent's peak there.
    status = Path("/proc/self/status").read_text()
    print(float(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024)


def table(rows, memory, machine):
    lines = [
        machine,
        "",
        f"Codes of at most {K} firings a token, crops of {LENGTH}, {GROUPS} jackknife groups. Dense: "
        "numpy on an array that is already in memory. Interleaved, medians.",
        "",
        "| tokens | circular shifts | sparse, s | dense numpy, s | ratio | largest difference |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['tokens']:,} | {row['permutations']} | {row['sparse_seconds']:.2f} "
        f"| {row['dense_seconds']:.1f} | {row['ratio']:.1f} | {row['largest_difference']:.0e} |"
        for row in rows
    ]
    lines += ["", "Peak memory of the whole process, streaming:", ""]
    lines += [f"- {row['tokens']:,} tokens: {row['peak_mb']:,.0f} MB" for row in memory]
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=768)
    parser.add_argument("--width", type=int, default=4608)
    parser.add_argument("--permutations", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--stream", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stream:
        stream(options.stream, options.width, options.permutations)
        return
    rows = [
        compare(options.documents, options.width, permutations, options.rounds)
        for permutations in (options.permutations, 0)
    ]
    print(
        f"{'tokens':>8} {'shifts':>6} {'sparse s':>9} {'dense s':>8} {'ratio':>6} {'difference':>10}"
    )
    for row in rows:
        print(
            f"{row['tokens']:8,} {row['permutations']:6} {row['sparse_seconds']:9.2f} "
            f"{row['dense_seconds']:8.1f} {row['ratio']:6.1f} {row['largest_difference']:10.1e}"
        )
    memory = [
        {
            "tokens": documents * LENGTH,
            "peak_mb": peak_memory(documents, options.width, options.permutations),
        }
        for documents in (options.documents, 4 * options.documents)
    ]
    RESULTS.parent.mkdir(exist_ok=True)
    sizes = {"width": options.width, "length": LENGTH, "k": K, "groups": GROUPS}
    machine = f"{describe_machine(('numpy', 'torch'))}; {torch.get_num_threads()} threads"
    value = {"sizes": sizes, "machine": machine, "speed": rows, "memory": memory}
    RESULTS.write_text(json.dumps(value, indent=1) + "\n")
    lines = table(rows, memory, machine)
    print("\n".join(lines))
    write_section(REPORT, "position-audit", "Position audit, observational", lines)


if __name__ == "__main__":
    main()

"""Everything that benchmarks/gpu.sh measures, part by part, within a limit of time.

Results are written after each part, so that a run that is cut off leaves what it has measured.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import traceback
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import language_model
import torch
import training
from machine import describe_machine
from results_file import write_section

BENCHMARKS = Path(__file__).resolve().parents[1]
ROOT = BENCHMARKS.parent
SECONDS = 450
"""No part begins later than this; the whole is to end within 8 minutes."""
SIZES = (
    training.Size(d=576, width=4608, k=32, rows=2048, rounds=43, in_turn=True),
    training.Size(d=4096, width=65_536, k=64, rows=2048, rounds=18, in_turn=False),
)
SMALL_SIZES = (
    training.Size(d=64, width=512, k=8, rows=256, rounds=8, in_turn=True),
    training.Size(d=96, width=1024, k=8, rows=256, rounds=8, in_turn=False),
)


def run_tests(dry: bool, folder: Path) -> dict:
    """The tests marked gpu, in a process of their own: how many passed, and which failed."""
    report = folder / "tests.xml"
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "tests/gpu", f"--junitxml={report}"]
    environment = dict(os.environ)
    if dry:
        environment["ASSAY_GPU_TEST_DEVICE"] = "cpu"
    done = subprocess.run([*command, "-p", "no:cacheprovider"], cwd=ROOT, env=environment)
    if not report.is_file():
        return {"passed": 0, "failed": [f"pytest ended with status {done.returncode}"]}
    cases = list(ElementTree.parse(report).iter("testcase"))
    failed = [
        f"{case.get('classname')}::{case.get('name')}"
        for case in cases
        if any(case.find(tag) is not None for tag in ("failure", "error", "skipped"))
    ]
    report.unlink()
    return {"passed": len(cases) - len(failed), "failed": failed}


def parts_of(dry: bool, device: torch.device, folder: Path) -> dict[str, Callable[[], object]]:
    """What is measured, by name, in order."""
    shape = language_model.SMALL if dry else language_model.SMOLLM2
    small, large = SMALL_SIZES if dry else SIZES
    return {
        "tests": lambda: run_tests(dry, folder),
        "training step, small": lambda: training.measure(small, device),
        "training step, large": lambda: training.measure(large, device),
        "harvest": lambda: language_model.measure_harvest(shape, device),
        "organism": lambda: language_model.measure_organism(shape, device),
    }


def section(found: dict) -> list[str]:
    """The results as lines of Markdown."""
    lines = [f"{found['machine']}.", ""]
    if found["dry"]:
        lines += [
            "**Dry run on a CPU with small sizes: it shows that the script works, no more.**",
            "",
        ]
    parts = found["parts"]
    if "tests" in parts:
        failed = parts["tests"]["failed"]
        verdict = "none failed" if not failed else f"FAILED: {', '.join(failed)}"
        lines += [f"**Tests marked gpu**: {parts['tests']['passed']} passed, {verdict}.", ""]
    for name in ("training step, small", "training step, large"):
        if name in parts:
            lines += training.table(parts[name])
    if "harvest" in parts:
        harvest = parts["harvest"]
        lines += [
            f"**Harvest** of {harvest['site']}, {harvest['tokens']:,} tokens a turn, shards written "
            f"and synced to disk: {harvest['harvest_tokens_per_second']:,.0f} tokens/s, the bare "
            f"truncated forward pass {harvest['bare_tokens_per_second']:,.0f}; "
            f"{harvest['ratio']:.2f} of it.",
            "",
        ]
    if "organism" in parts:
        organism = parts["organism"]
        peak = organism["peak_mib"]
        memory = "" if peak is None else f", peak memory {peak:,.0f} MiB"
        lines += [
            f"**Organism** {organism['recipe']}, {organism['steps']} steps in {organism['precision']}, "
            f"data and replay included: {organism['seconds']:.1f} s, "
            f"loss {organism['first_loss']:.2f} to "
            f"{organism['last_loss']:.2f}{memory}.",
            "",
        ]
    lines += [f"Not measured, {name}: {why}" for name, why in found["failures"].items()]
    return [*lines, f"The whole took {found['seconds']:.0f} s."]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--dry", action="store_true", help="small sizes on the CPU")
    parser.add_argument("--out", type=Path, help="folder that gets copies of the two files")
    options = parser.parse_args()
    if not options.dry and not torch.cuda.is_available():
        sys.exit("torch sees no GPU here; to try the script without one: benchmarks/gpu.sh --dry")
    device = torch.device("cpu" if options.dry else "cuda")
    folder = ROOT / "out" / "gpu-dry" if options.dry else BENCHMARKS / "results"
    report = folder / "RESULTS.md" if options.dry else BENCHMARKS / "RESULTS.md"
    folder.mkdir(parents=True, exist_ok=True)
    if options.dry:
        print("DRY RUN on the CPU with small sizes: no figure of it counts.")
    begun = time.monotonic()
    card = "CPU" if options.dry else torch.cuda.get_device_name(0)
    found: dict = {
        "machine": f"{card}; {describe_machine()}",
        "dry": options.dry,
        "seconds": 0.0,
        "parts": {},
        "failures": {},
        "seconds_of_parts": {},
    }
    for name, measure in parts_of(options.dry, device, folder).items():
        started = time.monotonic()
        if started - begun > SECONDS:
            found["failures"][name] = "no time was left"
        else:
            print(f"--- {name}")
            try:
                found["parts"][name] = measure()
            except Exception as error:
                traceback.print_exc()
                found["failures"][name] = f"{type(error).__name__}: {error}".splitlines()[0]
        found["seconds"] = time.monotonic() - begun
        found["seconds_of_parts"][name] = round(time.monotonic() - started, 1)
        (folder / "gpu.json").write_text(json.dumps(found, indent=1) + "\n")
        write_section(report, "gpu", "On a GPU", section(found))
        if options.out is not None:
            options.out.mkdir(parents=True, exist_ok=True)
            for path in (folder / "gpu.json", report):
                shutil.copy(path, options.out)
    print("\n".join(section(found)))
    failed = found["failures"] or found["parts"]["tests"]["failed"]
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

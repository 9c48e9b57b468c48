"""Break the code on purpose and see whether a test notices: `make mutants`.

Each mutant is one YAML file beside this one:

    tests: [tests/concerns/test_rules.py]   which tests should notice, paths or node ids
    relies: what a user relies on, as a sentence
    file: src/assay/concerns/rules.py       what is broken, relative to the repository
    old: text that occurs exactly once in it
    new: what stands there instead

For each, ``src`` is copied to a temporary folder and changed there, and its tests run against the copy.
A mutant is killed where a test fails. One that survives, that does not apply, or whose tests cannot run
makes the exit status 1. First all the tests run once on the unbroken copy: they must pass.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
KEYS = {"tests", "relies", "file", "old", "new"}
SECONDS = 900
"""Time that a mutant's tests may take."""


@dataclass(frozen=True)
class Mutant:
    """One deliberate fault."""

    name: str
    tests: tuple[str, ...]
    relies: str
    file: str
    old: str
    new: str

    def applied(self, root: Path) -> str:
        """The broken file's text. Raises ValueError where it does not apply to what lies there."""
        path = root / self.file
        if not path.is_file():
            raise ValueError(f"{self.file} does not exist")
        text = path.read_text(encoding="utf-8")
        found = text.count(self.old)
        if found != 1:
            raise ValueError(f"its old text occurs {found} times in {self.file}, not once")
        broken = text.replace(self.old, self.new)
        compile(broken, self.file, "exec")
        return broken


def read_mutant(path: Path) -> Mutant:
    """Read a mutant. Raises ValueError where a key is missing or the change changes nothing."""
    value = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict) or set(value) != KEYS:
        raise ValueError(f"{path.name} needs exactly the keys {', '.join(sorted(KEYS))}")
    if value["old"] == value["new"] or not value["old"].strip():
        raise ValueError(f"{path.name} changes nothing")
    if not value["file"].startswith("src/") or not value["file"].endswith(".py"):
        raise ValueError(f"{path.name}: file is a Python file under src/, not {value['file']}")
    return Mutant(path.stem, tuple(value.pop("tests")), **value)


def every_mutant() -> list[Mutant]:
    """All mutants, by name."""
    return [read_mutant(path) for path in sorted(HERE.glob("*.yaml"))]


def run_tests(tests: Sequence[str], copy: Path) -> int:
    """pytest's exit status on the copy of the source: 0 passed, 1 failed, anything else: neither."""
    environment = dict(
        os.environ,
        PYTHONPATH=str(copy / "src"),
        PYTHONDONTWRITEBYTECODE="1",
        OMP_NUM_THREADS=os.environ.get("OMP_NUM_THREADS", "1"),
    )
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        return subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        return -1


def judged(mutant: Mutant, copy: Path) -> str:
    """killed, SURVIVED, or what is wrong with the mutant itself."""
    path = copy / mutant.file
    original = path.read_bytes() if path.is_file() else b""
    try:
        path.write_text(mutant.applied(copy), encoding="utf-8")
    except (ValueError, SyntaxError) as error:
        return f"DOES NOT APPLY: {error}"
    try:
        status = run_tests(mutant.tests, copy)
    finally:
        path.write_bytes(original)
    verdicts = {0: "SURVIVED", 1: "killed", -1: f"TESTS STILL RAN AFTER {SECONDS} s"}
    return verdicts.get(status, f"TESTS COULD NOT RUN (pytest status {status})")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the mutants and print what became of each; 0 where all were killed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="mutants by name; all by default")
    parser.add_argument("--trust-tests", action="store_true", help="skip the unbroken run")
    chosen = parser.parse_args(arguments)
    mutants = [m for m in every_mutant() if not chosen.names or m.name in chosen.names]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        shutil.copytree(
            ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
        if not chosen.trust_tests:
            status = run_tests(sorted({test for m in mutants for test in m.tests}), copy)
            if status:
                print(f"the tests fail on the unbroken code (pytest status {status})")
                return 1
        missed = 0
        for mutant in mutants:
            verdict = judged(mutant, copy)
            missed += verdict != "killed"
            print(f"{verdict:9} {mutant.name}: {mutant.relies}", flush=True)
    print(f"{len(mutants) - missed} of {len(mutants)} mutants killed")
    return 1 if missed or not mutants else 0


if __name__ == "__main__":
    sys.exit(main())

"""`assay find`, `transfer`, `calibrate` and `watch`: the parts of a case with concerns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.printing import Amend, AsJson, show
from assay.errors import AssayError

if TYPE_CHECKING:
    from assay.concerns.matrix.result import TransferMatrix
    from assay.pipeline.case import Case

CaseFile = Annotated[Path, typer.Argument(help="The case file, YAML.")]
Out = Annotated[Path, typer.Option(help="Parent folder of the case's output folder.")]


def find(case: CaseFile, out: Out = Path("out"), as_json: AsJson = False) -> None:
    """Find candidate features for each concern: ranked, labelled, with their position labels."""
    from assay.pipeline import Run, run_case

    folder, _ = run_case(case, out, "candidates")
    found = Run(folder).candidates
    lines = [f"{'candidate':22} {'p':>6} {'position':13} fires on"]
    for row in found.candidates:
        label = row.label.removeprefix("fires on ")
        lines.append(f"{row.name:22} {row.p:6.3f} {row.position_label or '-':13} {label}"[:79])
    lines.append(str(folder / found.FILE))
    show(found.model_dump(mode="json"), as_json, lines)


def transfer(
    case: CaseFile,
    organism: Annotated[
        list[Path] | None, typer.Option(help="Folder of an organism to add; can be repeated.")
    ] = None,
    concern: Annotated[
        str | None,
        typer.Option(help="The concern of the added organisms; by default the first."),
    ] = None,
    out: Out = Path("out"),
    amend: Amend = None,
    as_json: AsJson = False,
) -> None:
    """Test every detector on organisms that it was not learned from."""
    from assay.pipeline import Run, run_case

    added = [str(folder) for folder in organism or []]
    folder, _ = run_case(
        case,
        out,
        "transfer",
        adjusted=lambda read: _with_organisms(read, added, concern),
        amend=amend,
    )
    found = Run(folder).transfer
    lines = [*_matrix_lines(found), str(folder / found.FILE)]
    show(found.model_dump(mode="json"), as_json, lines)


def calibrate(
    case: CaseFile,
    benign: Annotated[
        list[Path] | None,
        typer.Option(help="JSONL file of benign conversations; can be repeated."),
    ] = None,
    out: Out = Path("out"),
    amend: Amend = None,
    as_json: AsJson = False,
) -> None:
    """Choose the watched features, calibrate the monitor on benign conversations: monitor.json."""
    from assay.pipeline import Run, run_case

    files = tuple(str(file) for file in benign or [])

    def with_benign(read: Case) -> Case:
        deployment = read.deployment.model_copy(
            update={"benign": (*read.deployment.benign, *files)}
        )
        return read.model_copy(update={"deployment": deployment})

    folder, _ = run_case(case, out, "monitor", adjusted=with_benign, amend=amend)
    monitor = Run(folder).monitor
    names = ", ".join(monitor.names)
    lines = [f"watches {names}", monitor.guarantee, str(folder / monitor.FILE)]
    show(monitor.model_dump(mode="json"), as_json, lines)


def watch(
    folder: Annotated[Path, typer.Argument(help="A case's output folder, such as out/smollm2.")],
    transcripts: Annotated[
        Path,
        typer.Option(help="JSONL file of conversations, in order of time."),
    ],
    as_json: AsJson = False,
) -> None:
    """Replay conversations through the monitor. The exit status is 3 once it is rolled back."""
    from dataclasses import asdict

    from assay.pipeline import watch_case

    outcome = watch_case(folder, transcripts)
    show(asdict(outcome), as_json, [outcome.message])
    if outcome.state == "rolled_back":
        raise typer.Exit(3)


def _with_organisms(case: Case, added: list[str], concern: str | None) -> Case:
    if not added:
        return case
    if not case.concerns:
        raise AssayError("the case names no concern, so an organism cannot be added to one")
    names = [choice.name for choice in case.concerns]
    chosen = concern or names[0]
    if chosen not in names:
        raise AssayError(f"unknown concern '{chosen}'; valid: {', '.join(names)}")
    concerns = tuple(
        choice.model_copy(update={"organisms": (*choice.organisms, *added)})
        if choice.name == chosen
        else choice
        for choice in case.concerns
    )
    return case.model_copy(update={"concerns": concerns})


def _matrix_lines(found: TransferMatrix) -> list[str]:
    """For each organism the detector chosen on the others, and how many organisms are caught."""
    from assay.concerns.matrix import is_admitted

    lines = [
        f"{'organism':16} {'detector, chosen on the others':44} {'AUROC':>5} {'TPR':>4}  caught"
    ]
    for row in found.leave_one_out:
        name = f"{row.detector} / {row.strategy}" if row.detector else "none"
        area = "-" if row.auroc is None else f"{row.auroc:.2f}"
        rate = "-" if row.tpr is None else f"{row.tpr:.2f}"
        caught = "yes" if row.caught else "no"
        lines.append(f"{row.held_out:16} {name:44} {area:>5} {rate:>4}  {caught}")
    bound = found.catch_bound
    admitted = sum(is_admitted(cell.verdict) for cell in found.cells)
    lines.append(f"{admitted} of {len(found.cells)} cells admitted")
    if bound.lower is not None:
        lines.append(
            f"{bound.caught} of {bound.organisms} organisms caught: a new one with "
            f"probability at least {bound.lower:.2f} (95 %)"
        )
    return lines

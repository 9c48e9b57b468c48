"""`assay run`, `plan`, `verify` and `report`: a whole case."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.printing import Amend, AsJson, show

if TYPE_CHECKING:
    from assay.pipeline.result import Plan, RunResult


def run(
    case: Annotated[Path, typer.Argument(help="The case file, YAML.")],
    out: Annotated[Path, typer.Option(help="Parent folder of the case's output folder.")] = Path(
        "out"
    ),
    until: Annotated[str | None, typer.Option(help="Stop after this stage.")] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="List the stages and the estimated time."),
    ] = False,
    amend: Amend = None,
    as_json: AsJson = False,
) -> None:
    """Run every stage of a case and write report.html.

    After an interruption the same command resumes.
    """
    from assay.pipeline.run import plan_case, run_case

    if dry_run:
        planned = plan_case(case, out, until)
        show(planned.model_dump(mode="json"), as_json, _plan_lines(planned))
        return
    folder, result = run_case(case, out, until, amend=amend)
    value = {"folder": str(folder), **result.model_dump(mode="json")}
    show(value, as_json, _outcome_lines(folder, result))


def plan(
    case: Annotated[Path, typer.Argument(help="The case file, YAML.")],
    out: Annotated[Path, typer.Option(help="Folder under which the case's own would be.")] = Path(
        "out"
    ),
    as_json: AsJson = False,
) -> None:
    """Say before a run what the case's claims need, what it has, and what the run costs."""
    from assay.cli.power_lines import power_lines
    from assay.pipeline import power_plan

    found = power_plan(case, out)
    show(found.model_dump(mode="json"), as_json, power_lines(found))


def verify(
    folder: Annotated[Path, typer.Argument(help="A case's output, such as out/smollm2.")],
    head: Annotated[
        str | None, typer.Option(help="The head that was published, to compare with.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check that a finished run's files are as it wrote them, and that its claims follow from them."""
    from assay.pipeline import verify_run

    if as_json:
        print(verify_run(folder, expected=head).model_dump_json(indent=1))
        return
    found = verify_run(folder, expected=head, tell=print)
    print(f"head {found.head}")
    if found.journal_head is not None:
        print(f"journal head {found.journal_head}")


def report(
    folder: Annotated[Path, typer.Argument(help="A case's output folder, such as out/smollm2.")],
) -> None:
    """Write report.html again from the results of a case's stages."""
    from assay.pipeline.run import redraw

    print(redraw(folder))


def _plan_lines(planned: Plan) -> list[str]:
    lines = [
        f"{stage.name:12} {'cached' if stage.cached else 'to run':8} "
        + ("" if stage.cached else f"about {stage.seconds:,.0f} s")
        for stage in planned.stages
    ]
    return [*lines, f"total about {planned.seconds / 60:.1f} minutes on this machine"]


def _outcome_lines(folder: Path, result: RunResult) -> list[str]:
    lines = []
    for figure in result.figures:
        interval = "  [{:.1%}, {:.1%}]".format(*figure.ci) if figure.ci else ""
        lines.append(f"{figure.metric:42} {figure.estimate:.1%}{interval}")
    if result.claims:
        claims = ", ".join(f"{label} {status}" for label, status in result.claims.items())
        lines.append(f"{'claims of the safety case':42} {claims}")
    report = folder / result.report if result.report else "not made yet (--until)"
    return [*lines, f"report: {report}"]

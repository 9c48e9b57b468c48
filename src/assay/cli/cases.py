"""`assay run` and `assay report`: commands for a whole case."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.printing import AsJson, show

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
    folder, result = run_case(case, out, until)
    value = {"folder": str(folder), **result.model_dump(mode="json")}
    show(value, as_json, _outcome_lines(folder, result))


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

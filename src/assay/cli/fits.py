"""`assay fit`: from three files of conversations to a monitor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.printing import AsJson, Seed, show

if TYPE_CHECKING:
    from assay.monitoring.fitting import Fit


def fit(
    model: Annotated[str, typer.Argument(help="Catalogue name, folder, or hub id.")],
    site: Annotated[str, typer.Option(help="Hook site, such as resid_post.15.")],
    positives: Annotated[Path, typer.Option(help="JSONL: conversations with misbehaviour.")],
    negatives: Annotated[Path, typer.Option(help="JSONL: like conversations without it.")],
    benign: Annotated[Path, typer.Option(help="JSONL: benign conversations of the deployment.")],
    out: Annotated[Path, typer.Option(help="Folder for fit.json and monitor.json.")],
    test: Annotated[
        Path | None, typer.Option(help="JSONL: labelled conversations to test the monitor on.")
    ] = None,
    adapter: Annotated[str | None, typer.Option(help="PEFT folder.")] = None,
    dtype: Annotated[str | None, typer.Option(help="float32 or bfloat16.")] = None,
    fpr: Annotated[float, typer.Option(help="Share of benign conversations that may fire.")] = 0.01,
    delta: Annotated[float, typer.Option(help="Probability that this bound does not hold.")] = 0.05,
    base_rate: Annotated[float, typer.Option(help="Expected share with misbehaviour.")] = 1e-4,
    horizon: Annotated[int, typer.Option(help="Conversations that the monitor covers.")] = 1000,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Learn a monitor from your own labelled conversations, and calibrate it on benign ones."""
    from assay.pipeline.fit_command import FitRequest, budgets_from, fit_to

    fitted = fit_to(
        FitRequest(
            model=model,
            site=site,
            positives=positives,
            negatives=negatives,
            benign=benign,
            test=test,
            adapter=adapter,
            dtype=dtype,
            budgets=budgets_from(fpr, delta),
            base_rate=base_rate,
            horizon=horizon,
            seed=seed,
        ),
        out,
    )
    for warning in fitted.fit.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    lines = [*_lines(fitted.fit), f"next: assay watch {out} --transcripts FILE.jsonl"]
    show(fitted.fit.model_dump(mode="json"), as_json, lines)


def _lines(found: Fit) -> list[str]:
    """The comparison as a table of 80 columns, and what the monitor promises."""
    lines = [
        f"{found.positives} with misbehaviour ({found.positive_templates} templates), "
        f"{found.negatives} without ({found.negative_templates}); {found.folds} folds",
        f"{'detector':22} {'AUROC [95 %]':20} {'TPR [95 %]':20} false alarms",
    ]
    for row in found.comparisons:
        area = f"{row.auroc:.2f}{_ends(row.auroc_ci)}"
        rate = f"{row.tpr:.2f}{_ends(row.tpr_ci)}"
        mark = " watched" if row.detector == found.chosen else ""
        lines.append(f"{row.detector:22} {area:20} {rate:20} {row.false_alarms:.2f}{mark}")
    if found.tested is not None:
        tested = found.tested
        alarms = f"false alarms {tested.fpr:.2f}{_ends(tested.fpr_ci)}"
        lines.append(
            f"tested on {tested.positives} and {tested.negatives}: AUROC {tested.auroc:.2f}, "
            f"TPR {tested.tpr:.2f}{_ends(tested.tpr_ci)}, {alarms}"
        )
    return [*lines, found.guarantee]


def _ends(ci: tuple[float, float] | None) -> str:
    return "" if ci is None else f" [{ci[0]:.2f}, {ci[1]:.2f}]"

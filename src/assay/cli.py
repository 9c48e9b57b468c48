"""The command line: a thin face that parses, calls and prints."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from assay.errors import AssayError

app = typer.Typer(
    name="assay",
    help="Find, validate and watch features of concern inside language models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
models_app = typer.Typer(help="Models by catalogue name.", no_args_is_help=True)
data_app = typer.Typer(help="Corpora by name.", no_args_is_help=True)
app.add_typer(models_app, name="models")
app.add_typer(data_app, name="data")

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Seed = Annotated[int, typer.Option(help="Every random draw derives from it.")]


@app.callback()
def options(
    debug: Annotated[bool, typer.Option(help="Show a traceback when something fails.")] = False,
) -> None:
    """Take the options that stand before the command."""
    # main() takes --debug out wherever it stands; here it is only shown in the help.


@app.command()
def run(
    case: Annotated[Path, typer.Argument(help="The case file, YAML.")],
    out: Annotated[Path, typer.Option(help="Folder under which the case's own is made.")] = Path(
        "out"
    ),
    until: Annotated[str | None, typer.Option(help="Stop after this stage.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the stages, what is cached, and the cost.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run every stage of a case and end in report.html. Interrupted, run it again: it resumes."""
    from assay.pipeline.run import plan_case, run_case

    if dry_run:
        planned = plan_case(case, out, until)
        show(planned, as_json, _plan_lines(planned))
        return
    outcome = run_case(case, out, until)
    show(outcome, as_json, _outcome_lines(outcome))


@models_app.command("fetch")
def models_fetch(name: str) -> None:
    """Download a catalogue model, check its hash, and convert it once into the cache."""
    from assay.models.catalogue import fetch

    print(fetch(name))


@models_app.command("list")
def models_list(as_json: AsJson = False) -> None:
    """Show the catalogue of models."""
    from assay.models.catalogue import CATALOGUE

    rows = [
        {"name": name, "licence": entry.licence, "description": entry.description}
        for name, entry in CATALOGUE.items()
    ]
    show(rows, as_json, [f"{r['name']}  {r['licence']}  {r['description']}" for r in rows])


@data_app.command("fetch")
def data_fetch(name: str) -> None:
    """Download a corpus, check its hash, and print its licence and size."""
    from assay.text import CORPORA, fetch_corpus

    corpus = fetch_corpus(name)
    characters = sum(len(document.text) for document in corpus.documents)
    entry = CORPORA[name]
    print(
        f"{name}: {len(corpus.documents):,} documents, {characters:,} characters; {entry.licence}"
    )


@data_app.command("list")
def data_list(as_json: AsJson = False) -> None:
    """Show the corpora."""
    from assay.text import CORPORA

    rows = [
        {"name": name, "licence": entry.licence, "description": entry.description}
        for name, entry in CORPORA.items()
    ]
    show(rows, as_json, [f"{r['name']:12} {r['description']} ({r['licence']})" for r in rows])


@app.command()
def harvest(
    model: str,
    site: Annotated[str, typer.Option(help="Hook site, such as resid_post.15.")],
    text: Annotated[str, typer.Option(help="Corpus, several joined by '+', or a file.")],
    out: Annotated[Path, typer.Option(help="Folder for the activations.")],
    tokens: Annotated[int, typer.Option(help="Tokens to read.")] = 400_000,
    length: Annotated[int, typer.Option(help="Tokens in a crop.")] = 128,
    held_out: Annotated[
        float, typer.Option(help="Share of the documents to leave unread, for measuring.")
    ] = 0.5,
    adapter: Annotated[str | None, typer.Option(help="PEFT folder.")] = None,
    dtype: Annotated[str | None, typer.Option(help="float32 or bfloat16.")] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Write one site's activations on random crops of training documents, resumably."""
    from assay.pipeline.commands import harvest_to

    store = harvest_to(
        out, model, site, text, tokens, length, held_out, adapter=adapter, dtype=dtype, seed=seed
    )
    manifest = store.manifest.model_dump(mode="json", exclude={"document_ids"})
    line = f"{store.rows:,} activations of width {manifest['width']} in {store.folder}"
    show(manifest, as_json, [line])


@app.command()
def train(
    activations: Annotated[Path, typer.Argument(help="Folder that 'assay harvest' wrote.")],
    out: Annotated[Path, typer.Option(help="Folder for the dictionary.")],
    architecture: Annotated[str, typer.Option(help="Dictionary architecture.")] = "batch_topk",
    width: Annotated[int, typer.Option(help="Number of features.")] = 4608,
    k: Annotated[int, typer.Option(help="Features active on a token.")] = 32,
    position: Annotated[str, typer.Option(help="How position is special-cased: none.")] = "none",
    steps: Annotated[int, typer.Option(help="Training steps.")] = 600,
    batch_size: Annotated[int, typer.Option(help="Activations in a step.")] = 2048,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Train a sparse dictionary on harvested activations, resumably."""
    from assay.pipeline.commands import train_from

    options = {
        "architecture": architecture,
        "width": width,
        "k": k,
        "position": position,
        "steps": steps,
        "batch_size": batch_size,
    }
    figures = train_from(activations, out, options, seed)
    show(figures, as_json, [f"{architecture} dictionary of {width:,} features in {out}"])


@app.command()
def position(
    model: Annotated[str | None, typer.Argument(help="Catalogue name, folder, or hub id.")] = None,
    dictionary: Annotated[Path | None, typer.Argument(help="Folder of a dictionary.")] = None,
    text: Annotated[
        str | None, typer.Option(help="Corpus, several joined by '+', or a file.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for position.json and position.html.")] = Path(
        "out/position"
    ),
    activations: Annotated[
        Path | None,
        typer.Option(help="Audit activations[documents, positions, features] of your own instead."),
    ] = None,
    causal: Annotated[
        bool, typer.Option(help="Run the causal design, on which labels rest.")
    ] = True,
    rows: Annotated[int, typer.Option(help="Crops of the observational audit.")] = 780,
    length: Annotated[int, typer.Option(help="Tokens in a crop.")] = 128,
    contents: Annotated[int, typer.Option(help="Contents of the causal design.")] = 128,
    offsets: Annotated[int, typer.Option(help="Offsets of the causal design.")] = 3,
    fillers: Annotated[int, typer.Option(help="Fillers of the causal design.")] = 8,
    site: Annotated[
        str | None, typer.Option(help="Hook site, if the dictionary is silent.")
    ] = None,
    adapter: Annotated[str | None, typer.Option(help="PEFT folder.")] = None,
    dtype: Annotated[str | None, typer.Option(help="float32 or bfloat16.")] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Audit how much of each feature is position: position.json and position.html."""
    from assay.pipeline.audits import audit_dictionary, audit_supplied
    from assay.pipeline.case import CausalSizes

    if activations is not None:
        if model is not None:
            raise AssayError("give either --activations or MODEL and DICTIONARY, not both")
        result = audit_supplied(activations, out, seed)
    else:
        if model is None or dictionary is None or text is None:
            raise AssayError("give MODEL, DICTIONARY and --text, or --activations FILE.safetensors")
        sizes = None
        if causal:
            sizes = CausalSizes(contents=contents, offsets=offsets, fillers=fillers)
        result = audit_dictionary(
            *(model, dictionary, text, out, rows, length, sizes, site),
            adapter=adapter,
            dtype=dtype,
            seed=seed,
        )
    summary = result["summary"]
    shares = ", ".join(f"{name} {share:.1%}" for name, share in summary["labels"].items() if share)
    lines = [f"{len(result['features']):,} features: {shares or 'not labelled'}"]
    lines += [f"{out / 'position.json'}", f"{out / 'position.html'}"]
    show(summary, as_json, lines)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="A case's output, such as out/smollm2.")],
) -> None:
    """Draw report.html again from what the stages of a case measured."""
    from assay.pipeline.run import redraw

    print(redraw(folder))


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check this machine: versions, threads, arithmetic, cache, browser."""
    from assay.pipeline.doctor import examine

    findings = examine()
    show(findings, as_json, [f"{name:22} {value}" for name, value in findings.items()])


def show(value: Any, as_json: bool, lines: list[str]) -> None:
    """Print a result, as JSON or as lines for people."""
    print(json.dumps(value, indent=1, ensure_ascii=False) if as_json else "\n".join(lines))


def _plan_lines(planned: dict[str, Any]) -> list[str]:
    lines = [
        f"{stage['name']:12} {'cached' if stage['cached'] else 'to run':8} "
        + ("" if stage["cached"] else f"about {stage['seconds']:,.0f} s")
        for stage in planned["stages"]
    ]
    return [*lines, f"in all about {planned['seconds'] / 60:.1f} minutes on this machine"]


def _outcome_lines(outcome: dict[str, Any]) -> list[str]:
    lines = []
    for figure in outcome["figures"]:
        interval = "  [{:.1%}, {:.1%}]".format(*figure["ci"]) if figure["ci"] else ""
        lines.append(f"{figure['metric']:42} {figure['estimate']:.1%}{interval}")
    return [*lines, f"report: {outcome['report'] or 'not made yet (--until)'}"]


def main() -> None:
    """Run the command line; errors of the user's are one line and exit status 2."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    try:
        sys.exit(app(arguments, standalone_mode=False) or 0)
    except AssayError as error:
        if debug:
            raise
        print(f"assay: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("assay: interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        if debug:
            raise
        if hasattr(error, "show") and hasattr(error, "exit_code"):  # misuse of the command line
            error.show()
            sys.exit(error.exit_code)
        kind = type(error).__name__
        print(f"assay: failed ({kind}: {error}); --debug shows where", file=sys.stderr)
        sys.exit(1)

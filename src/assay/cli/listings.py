"""`assay models`, `assay data` and `assay doctor`: the catalogue, the corpora, and this machine."""

from __future__ import annotations

import typer

from assay.cli.printing import AsJson, show

models_app = typer.Typer(help="Models by catalogue name.", no_args_is_help=True)
data_app = typer.Typer(help="Corpora by name.", no_args_is_help=True)


@models_app.command("fetch")
def models_fetch(name: str) -> None:
    """Download a catalogue model, check its hash, and convert it once into the cache."""
    from assay.models.catalogue import fetch

    print(fetch(name))


@models_app.command("list")
def models_list(as_json: AsJson = False) -> None:
    """List the models of the catalogue."""
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
    """List the corpora."""
    from assay.text import CORPORA

    rows = [
        {"name": name, "licence": entry.licence, "description": entry.description}
        for name, entry in CORPORA.items()
    ]
    show(rows, as_json, [f"{r['name']:12} {r['description']} ({r['licence']})" for r in rows])


def doctor(as_json: AsJson = False) -> None:
    """Report this machine's versions, threads, arithmetic, cache folder and browser."""
    from assay.pipeline.doctor import examine

    findings = examine()
    show(findings, as_json, [f"{name:22} {value}" for name, value in findings.items()])

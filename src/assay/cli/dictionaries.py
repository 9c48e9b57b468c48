"""`assay harvest`, `assay train` and `assay position`: single stages on folders that the user names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.cli.printing import AsJson, Seed, show
from assay.errors import AssayError


def harvest(
    model: str,
    site: Annotated[str, typer.Option(help="Hook site, such as resid_post.15.")],
    text: Annotated[str, typer.Option(help="Corpus, several joined by '+', or a file.")],
    out: Annotated[Path, typer.Option(help="Folder for the activations.")],
    tokens: Annotated[int, typer.Option(help="Tokens to read.")] = 400_000,
    length: Annotated[int, typer.Option(help="Tokens in a crop.")] = 128,
    held_out: Annotated[
        float, typer.Option(help="Share of the documents to hold out for measurements.")
    ] = 0.5,
    adapter: Annotated[str | None, typer.Option(help="PEFT folder.")] = None,
    dtype: Annotated[str | None, typer.Option(help="float32 or bfloat16.")] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Write one hook site's activations on random crops of training documents. Can be resumed."""
    from assay.pipeline.single_commands import HarvestRequest, harvest_to

    request = HarvestRequest(
        model=model,
        site=site,
        text=text,
        tokens=tokens,
        length=length,
        held_out=held_out,
        adapter=adapter,
        dtype=dtype,
        seed=seed,
    )
    store = harvest_to(request, out)
    manifest = store.manifest.model_dump(mode="json", exclude={"document_ids"})
    line = f"{store.rows:,} activations of width {manifest['width']} in {store.folder}"
    show(manifest, as_json, [line])


def train(
    activations: Annotated[Path, typer.Argument(help="Folder that 'assay harvest' wrote.")],
    out: Annotated[Path, typer.Option(help="Folder for the dictionary.")],
    architecture: Annotated[str, typer.Option(help="Dictionary architecture.")] = "batch_topk",
    width: Annotated[int, typer.Option(help="Number of features.")] = 4608,
    k: Annotated[int, typer.Option(help="Number of features active on a token.")] = 32,
    position: Annotated[str, typer.Option(help="How position is special-cased: none.")] = "none",
    steps: Annotated[int, typer.Option(help="Training steps.")] = 600,
    batch_size: Annotated[int, typer.Option(help="Activations in a training step.")] = 2048,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Train a sparse dictionary on harvested activations. Can be resumed."""
    from assay.pipeline.single_commands import train_from, training_settings

    settings = training_settings(
        architecture=architecture,
        width=width,
        k=k,
        position=position,
        steps=steps,
        batch_size=batch_size,
    )
    figures = train_from(activations, out, settings, seed).training_figures
    show(dict(figures), as_json, [f"{architecture} dictionary of {width:,} features in {out}"])


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
        typer.Option(help="Instead: a file of activations[documents, positions, features]."),
    ] = None,
    causal: Annotated[
        bool, typer.Option(help="Run the causal design, which the position labels need.")
    ] = True,
    rows: Annotated[int, typer.Option(help="Crops of the observational audit.")] = 780,
    length: Annotated[int, typer.Option(help="Tokens in a crop.")] = 128,
    contents: Annotated[int, typer.Option(help="Contents of the causal design.")] = 128,
    offsets: Annotated[int, typer.Option(help="Offsets of the causal design.")] = 3,
    fillers: Annotated[int, typer.Option(help="Fillers of the causal design.")] = 8,
    site: Annotated[
        str | None, typer.Option(help="Hook site, where the dictionary's folder does not state it.")
    ] = None,
    adapter: Annotated[str | None, typer.Option(help="PEFT folder.")] = None,
    dtype: Annotated[str | None, typer.Option(help="float32 or bfloat16.")] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Audit how much of each feature position explains: position.json and position.html."""
    from assay.pipeline.position_command import AuditRequest, audit_dictionary, audit_supplied
    from assay.position import CrossedSizes

    if activations is not None:
        if model is not None:
            raise AssayError("give either --activations or MODEL and DICTIONARY, not both")
        result = audit_supplied(activations, out, seed)
    else:
        if model is None or dictionary is None or text is None:
            raise AssayError("give MODEL, DICTIONARY and --text, or --activations FILE.safetensors")
        sizes = None
        if causal:
            sizes = CrossedSizes(contents=contents, offsets=offsets, fillers=fillers)
        request = AuditRequest(
            model=model,
            dictionary=dictionary,
            text=text,
            rows=rows,
            length=length,
            causal=sizes,
            site=site,
            adapter=adapter,
            dtype=dtype,
            seed=seed,
        )
        result = audit_dictionary(request, out)
    labels = result.summary.labels
    shares = ", ".join(f"{name} {share:.1%}" for name, share in labels.items() if share)
    lines = [f"{len(result.features):,} features: {shares or 'not labelled'}"]
    lines += [f"{out / 'position.json'}", f"{out / 'position.html'}"]
    show(result.summary.model_dump(mode="json"), as_json, lines)

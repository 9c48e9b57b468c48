"""Gather what the stages measured into the report's page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.activations.residual_variance import ResidualVariance
from assay.evidence import Evidence, read_evidence
from assay.files import read_json
from assay.pipeline.names import CROSS_ENTROPY_RECOVERED, HEADLINE, QUALITY, WELL_SEPARATED
from assay.pipeline.opened import OpenedCase
from assay.pipeline.position import POSITION

if TYPE_CHECKING:
    from assay.dictionaries import LoadedDictionary


def draw_report(
    opened: OpenedCase, dictionary_folder: Path, measured: dict[str, Path], folder: Path
) -> None:
    """Write ``report.html`` into ``folder`` from the artefacts of the stages before it, by name."""
    from assay.dictionaries import DecodedContexts, QualityResult, load_dictionary
    from assay.reporting.feature_table import examples_of_page
    from assay.reporting.page import Page, write_page

    loaded = load_dictionary(dictionary_folder)
    quality, position = measured["quality"], measured["position"]
    evidence = [
        record
        for made in measured.values()
        if (made / "evidence.json").is_file()
        for record in read_evidence(made / "evidence.json")
    ]
    audit = read_json(position / POSITION)
    page = Page(
        title=opened.case.name,
        facts=_facts(opened, loaded),
        evidence=evidence,
        headline=list(HEADLINE),
        position=audit,
        sink=_sink(QualityResult.read(quality).sink),
        quality=[name for name in QUALITY if any(r.metric == name for r in evidence)],
        examples=examples_of_page(DecodedContexts.read(position)),
        notes=_notes(opened, loaded, evidence),
        **_results(measured),
    )
    write_page(folder / "report.html", page)


def _sink(found: ResidualVariance) -> dict[str, Any]:
    """The sink's figures as the page reads them."""
    values = found.model_dump()
    levels = {
        level: (figure["value"], *(figure["ci"] or (None, None)))
        for level, figure in values["epsilon2"].items()
        if figure is not None
    }
    share = values["sink_share"]
    return {
        **values,
        "epsilon2": levels,
        "sink_share": (share["value"], *(share["ci"] or (None, None))),
    }


def _results(measured: dict[str, Path]) -> dict[str, Any]:
    """What the stages of the concerns left; a case without concerns has none of it."""
    from assay.safety_case.export import read_case

    found: dict[str, Any] = {}
    if "safety-case" in measured:
        found["case"] = read_case(measured["safety-case"])
    for name in ("transfer", "candidates", "monitor"):
        if name in measured:
            found[name] = read_json(measured[name] / f"{name}.json")
    return found


def _facts(opened: OpenedCase, loaded: LoadedDictionary) -> list[tuple[str, str]]:
    case, dictionary, known = opened.case, loaded.dictionary, loaded.metadata
    training, held_out = opened.training_text.sides[0], opened.text.sides[1]
    trained = known.source if case.dictionary.train is None else _trained(opened)
    return [
        ("model", _model_name(opened)),
        ("site", f"{opened.site} ({opened.model.site_width(opened.site)} wide)"),
        ("dictionary", f"{dictionary.architecture}, {dictionary.width:,} features; {trained}"),
        ("position in training", known.position),
        (
            "text",
            f"{opened.text.corpus.name}: {len(training):,} training documents, "
            f"{len(held_out):,} held-out documents",
        ),
        (
            "read for figures",
            f"{case.audit.rows:,} random crops of {case.audit.length} tokens of held-out documents, "
            f"first token {opened.model.bos_token_id}",
        ),
        ("left out", known.tokens_left_out or "unknown: the dictionary's folder does not say"),
        ("seed", str(case.seed)),
    ]


def _model_name(opened: OpenedCase) -> str:
    model = opened.model
    adapter = f" with adapter {opened.case.model.adapter}" if opened.case.model.adapter else ""
    scheme = model.position_scheme.replace("_", " ")
    return f"{model.name}{adapter}: {model.n_layers} layers, {scheme} positions"


def _trained(opened: OpenedCase) -> str:
    train = opened.case.dictionary.train
    assert train is not None
    passes = train.steps * train.batch_size / train.tokens
    return (
        f"k = {train.k}, {train.steps:,} steps of {train.batch_size:,} on {train.tokens:,} harvested "
        f"tokens ({passes:.1f} passes)"
    )


def _notes(opened: OpenedCase, loaded: LoadedDictionary, evidence: list[Evidence]) -> list[str]:
    notes = [opened.text.corpus.note] if opened.text.corpus.note else []
    if opened.case.dictionary.train is not None:
        notes.append(
            "This dictionary was trained within this run, on as many tokens as stated. Its figures "
            "describe this dictionary, not the best that could be had for the model."
        )
    fingerprint = loaded.metadata.hashes.get("model")
    if fingerprint and fingerprint != opened.model.fingerprint:
        notes.append("The dictionary was trained on another model than this one.")
    measured = {record.metric for record in evidence}
    if opened.case.audit.causal is None:
        notes.append("The causal design was not run, so no feature is labelled.")
    elif WELL_SEPARATED not in measured:
        notes.append("Every feature fires in too few documents to be labelled.")
    if CROSS_ENTROPY_RECOVERED not in measured:
        notes.append(
            "No cross-entropy recovered: replacing the site by its mean costs this model nothing, so "
            "there is nothing to recover a share of."
        )
    return notes

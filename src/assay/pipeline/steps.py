"""The stages of a case and what each of them reads: the run, from top to bottom."""

from __future__ import annotations

from pathlib import Path

from assay.evidence import write_evidence
from assay.pipeline import cost
from assay.pipeline.concern_steps import concern_stages
from assay.pipeline.opened import OpenedCase, evidence_inputs, folder_hash
from assay.pipeline.stages import Stage, artefact

STAGE_NAMES = (
    *("harvest", "dictionary", "quality", "position"),
    *("deployment", "elicitation", "reading", "transfer", "candidates"),
    *("monitor", "safety-case", "report"),
)
DICTIONARY = "dictionary"
"""The dictionary's folder within its stage's artefact."""
VERSION = 3
"""Raised whenever a stage comes to write something else from the same inputs."""


def stages_of(opened: OpenedCase, root: Path) -> list[Stage]:
    """The stages, in order. A dictionary that exists already needs no harvest and no training."""
    stages: list[Stage] = []
    if opened.case.dictionary.train is not None:
        harvest = _harvest_stage(opened)
        dictionary = _dictionary_stage(opened, artefact(root, harvest), harvest.key)
        stages += [harvest, dictionary]
        folder, key = artefact(root, dictionary) / DICTIONARY, dictionary.key
    else:
        folder = Path(str(opened.case.dictionary.path))
        key = folder_hash(folder)
    quality = _quality_stage(opened, folder, key)
    position = _position_stage(opened, folder, key)
    stages += [quality, position]
    if opened.organisms:
        stages += concern_stages(opened, root, folder, key, [quality, position])
    measured = {stage.name: artefact(root, stage) for stage in stages}
    return [*stages, _report_stage(opened, folder, measured, [stage.key for stage in stages])]


def _harvest_stage(opened: OpenedCase) -> Stage:
    train = opened.case.dictionary.train
    assert train is not None

    def run(folder: Path) -> None:
        from assay.activations import harvest

        harvest(
            opened.model,
            opened.site,
            opened.training_text.training_crops(
                opened.model, train.tokens, opened.case.audit.length
            ),
            folder,
            text=opened.training_text.corpus.name,
            text_sha256=opened.training_text.corpus.sha256,
            seed=opened.case.seed,
        )

    inputs = {
        **opened.inputs,
        "version": VERSION,
        "text": opened.training_text.corpus.sha256,
        "tokens": train.tokens,
    }

    def seconds() -> float:
        return cost.forward_seconds(opened.model, train.tokens, opened.site)

    return Stage("harvest", inputs, run, seconds)


def _dictionary_stage(opened: OpenedCase, activations: Path, harvest_key: str) -> Stage:
    train = opened.case.dictionary.train
    assert train is not None

    def run(folder: Path) -> None:
        from assay.dictionaries import train_dictionary

        train_dictionary(
            activations,
            folder / DICTIONARY,
            train,
            batch_size=train.batch_size,
            seed=opened.case.seed,
        )

    width = opened.model.site_width(opened.site)
    inputs = {
        "version": VERSION,
        "harvest": harvest_key,
        "seed": opened.case.seed,
        **train.model_dump(mode="json", exclude={"text", "tokens"}),
    }

    def seconds() -> float:
        return cost.training_seconds(width, train.width, train.steps * train.batch_size)

    return Stage("dictionary", inputs, run, seconds)


def _quality_stage(opened: OpenedCase, dictionary: Path, key: str) -> Stage:
    audit = opened.case.audit

    def run(folder: Path) -> None:
        from assay.dictionaries import load_dictionary, measure_quality, quality_evidence

        loaded = load_dictionary(dictionary)
        # Crops come in random order, so that the first ones are a random sample of the audit's.
        crops = opened.text.held_out_crops(opened.model, audit.rows, audit.length)
        result = measure_quality(
            opened.model,
            opened.site,
            loaded,
            crops.rows(0, audit.quality_rows),
            spliced_rows=audit.spliced_rows,
            seed=opened.case.seed,
        )
        result.write(folder)
        inputs = evidence_inputs(opened.model, opened.text.corpus, loaded)
        write_evidence(folder / "evidence.json", quality_evidence(result, inputs))

    inputs = {
        **opened.inputs,
        "version": VERSION,
        "dictionary": key,
        "rows": audit.rows,
        "quality_rows": audit.quality_rows,
        "spliced_rows": audit.spliced_rows,
    }

    def seconds() -> float:
        spliced = 3 * cost.forward_seconds(opened.model, audit.spliced_rows * audit.length)
        read = cost.forward_seconds(opened.model, audit.quality_rows * audit.length, opened.site)
        return spliced + read

    return Stage("quality", inputs, run, seconds)


def _position_stage(opened: OpenedCase, dictionary: Path, key: str) -> Stage:
    audit = opened.case.audit

    def run(folder: Path) -> None:
        from assay.pipeline.position import measure_position

        measure_position(opened, dictionary, folder)

    inputs = {
        **opened.inputs,
        "version": VERSION,
        "dictionary": key,
        "rows": audit.rows,
        "causal": audit.causal and audit.causal.model_dump(),
    }

    def seconds() -> float:
        tokens = audit.rows * audit.length
        if audit.causal is not None:
            causal = audit.causal
            length = causal.content_length or audit.length
            tokens += causal.contents * causal.offsets * causal.fillers * length
        return cost.forward_seconds(opened.model, tokens, opened.site)

    return Stage("position", inputs, run, seconds)


def _report_stage(
    opened: OpenedCase, dictionary: Path, measured: dict[str, Path], keys: list[str]
) -> Stage:
    def run(folder: Path) -> None:
        from assay.pipeline.report import draw_report

        draw_report(opened, dictionary, measured, folder)

    inputs = {"version": VERSION, "case": opened.case.name, "of": keys}
    return Stage("report", inputs, run, lambda: 10.0)

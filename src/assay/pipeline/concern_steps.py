"""The stages of a case that are made from what was read: transfer, candidates, monitor, argument."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.files import sha256_of_json
from assay.pipeline import cost
from assay.pipeline.opened import OpenedCase
from assay.pipeline.reading_steps import (
    READ_TOKENS,
    deployment_stage,
    elicitation_stage,
    load_organism,
    organism_hashes,
    reading_stage,
)
from assay.pipeline.stages import Stage, artefact

if TYPE_CHECKING:
    from assay.dictionaries import LoadedDictionary

VERSION = 5
"""Raised whenever one of these stages comes to write something else from the same inputs."""


def concern_stages(
    opened: OpenedCase, root: Path, dictionary: Path, dictionary_key: str, before: list[Stage]
) -> list[Stage]:
    """The stages after the position audit, in order."""
    deployment = deployment_stage(opened)
    elicitation = elicitation_stage(opened)
    readings = [
        reading_stage(
            opened, one, deployment, artefact(root, deployment), dictionary, dictionary_key
        )
        for one in opened.organisms
    ]
    folders = {
        one.name: artefact(root, stage)
        for one, stage in zip(opened.organisms, readings, strict=True)
    }
    places = {
        "deployment": artefact(root, deployment),
        "elicitation": artefact(root, elicitation),
        "position": artefact(root, before[-1]),
        "dictionary": dictionary,
    }
    keys = [deployment.key, elicitation.key, *(stage.key for stage in readings)]
    transfer = _transfer_stage(opened, places, folders, keys)
    places["transfer"] = artefact(root, transfer)
    candidates = _candidates_stage(opened, places, folders, [*keys, before[-1].key])
    monitor = _monitor_stage(opened, places, folders, [*keys, transfer.key])
    measured = [*before, transfer, candidates, monitor]
    case = _safety_case_stage(opened, {s.name: artefact(root, s) for s in measured}, measured)
    return [deployment, elicitation, *readings, transfer, candidates, monitor, case]


def _transfer_stage(
    opened: OpenedCase, places: dict[str, Path], folders: dict[str, Path], keys: list[str]
) -> Stage:
    case = opened.case

    def run(folder: Path) -> None:
        from assay.dictionaries import load_dictionary
        from assay.pipeline.case_readings import load_readings
        from assay.pipeline.transfer import run_transfer
        from assay.pipeline.transfer_evidence import write_transfer_evidence

        loaded = load_dictionary(places["dictionary"])
        run_transfer(
            case,
            list(opened.organisms),
            load_readings(places["elicitation"], folders),
            loaded.dictionary,
            opened.site,
            lambda one: load_organism(opened, one),
            folder,
        )
        write_transfer_evidence(folder, case.seed, stage_hashes(opened, loaded))

    inputs = {
        "version": VERSION,
        "of": keys,
        "detectors": list(case.detectors),
        "strategies": [choice.model_dump(mode="json") for choice in case.strategies],
        "budgets": case.budgets.model_dump(mode="json"),
        "concerns": [choice.model_dump(mode="json") for choice in case.concerns],
        "seed": case.seed,
    }
    return Stage("transfer", inputs, run, lambda: 12.0 * len(folders))


def _candidates_stage(
    opened: OpenedCase, places: dict[str, Path], folders: dict[str, Path], keys: list[str]
) -> Stage:
    case = opened.case

    def run(folder: Path) -> None:
        from assay.dictionaries import load_dictionary
        from assay.pipeline.candidates import position_labels, run_candidates
        from assay.pipeline.case_readings import load_readings

        run_candidates(
            case,
            list(opened.organisms),
            load_readings(places["elicitation"], folders),
            load_dictionary(places["dictionary"]).dictionary,
            opened.model,
            opened.site,
            position_labels(places["position"]),
            folder,
        )

    inputs = {
        "version": VERSION,
        "of": keys,
        "strategies": [choice.model_dump(mode="json") for choice in case.strategies],
        "concerns": [choice.model_dump(mode="json") for choice in case.concerns],
        "seed": case.seed,
    }
    return Stage("candidates", inputs, run, lambda: 20.0)


def _monitor_stage(
    opened: OpenedCase, places: dict[str, Path], folders: dict[str, Path], keys: list[str]
) -> Stage:
    case = opened.case

    def run(folder: Path) -> None:
        from assay.dictionaries import load_dictionary
        from assay.files import read_json
        from assay.pipeline.case_readings import load_readings
        from assay.pipeline.deployment import load_pool
        from assay.pipeline.monitor import run_monitor

        run_monitor(
            case,
            list(opened.organisms),
            load_readings(places["elicitation"], folders),
            read_json(places["transfer"] / "transfer.json"),
            load_dictionary(places["dictionary"]),
            opened.model,
            opened.site,
            load_pool(places["deployment"]),
            folder,
        )

    inputs = {
        "version": VERSION,
        "of": keys,
        "case": case.name,
        "model": case.model.model_dump(mode="json"),
        "deployment": case.deployment.model_dump(mode="json"),
        "budgets": case.budgets.model_dump(mode="json"),
        "monitor": case.monitor.model_dump(mode="json"),
    }

    def seconds() -> float:
        tokens = case.transfer.pool * (READ_TOKENS + case.deployment.max_new_tokens)
        return cost.forward_seconds(opened.model, tokens, opened.site)

    return Stage("monitor", inputs, run, seconds)


def _safety_case_stage(opened: OpenedCase, measured: dict[str, Path], stages: list[Stage]) -> Stage:
    def run(folder: Path) -> None:
        from assay.pipeline.safety_case import write_safety_case

        write_safety_case(opened, measured, folder)

    inputs = {"version": VERSION, "case": opened.case.name, "of": [s.key for s in stages]}
    return Stage("safety-case", inputs, run, lambda: 1.0)


def stage_hashes(opened: OpenedCase, loaded: LoadedDictionary) -> dict[str, Any]:
    """What the figures of the matrix were computed from, by hash."""
    return {
        "model": opened.model.fingerprint,
        "dictionary": loaded.metadata.hashes["weights"],
        "organisms": sha256_of_json(organism_hashes(opened.organisms)),
    }

"""The stages of a case that are about concerns: elicit, read, transfer, watch, argue."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.files import sha256_of, sha256_of_json
from assay.pipeline import cost
from assay.pipeline.opened import OpenedCase
from assay.pipeline.organism_readings import CaseOrganism
from assay.pipeline.stages import Stage, artefact

if TYPE_CHECKING:
    from assay.dictionaries import LoadedDictionary
    from assay.models import LanguageModel

VERSION = 1
"""Raised whenever a stage comes to write something else from the same inputs."""
TRANSFER_VERSION = 2
"""The same for the transfer stage alone."""
READ_TOKENS = 32
"""Tokens of a conversation beyond its shared beginning, about, for estimates."""


def concern_stages(
    opened: OpenedCase, root: Path, dictionary: Path, dictionary_key: str, before: list[Stage]
) -> list[Stage]:
    """The stages after the position audit, in order."""
    elicitation = _elicitation_stage(opened)
    readings = [
        _reading_stage(
            opened, one, artefact(root, elicitation), elicitation, dictionary, dictionary_key
        )
        for one in opened.organisms
    ]
    folders = {
        one.name: artefact(root, stage)
        for one, stage in zip(opened.organisms, readings, strict=True)
    }
    places = {
        "elicitation": artefact(root, elicitation),
        "position": artefact(root, before[-1]),
        "dictionary": dictionary,
    }
    keys = [elicitation.key, *(stage.key for stage in readings)]
    transfer = _transfer_stage(opened, places, folders, keys)
    places["transfer"] = artefact(root, transfer)
    candidates = _candidates_stage(opened, places, folders, [*keys, before[-1].key])
    monitor = _monitor_stage(opened, places, folders, [*keys, transfer.key])
    measured = [*before, transfer, candidates, monitor]
    case = _safety_case_stage(opened, {s.name: artefact(root, s) for s in measured}, measured)
    return [elicitation, *readings, transfer, candidates, monitor, case]


def _organism_hashes(organisms: Iterable[CaseOrganism]) -> list[list[str]]:
    """Name, concern and files of organisms: what decides all that is read and said of them."""
    from assay.organisms.folder import MANIFEST, TRANSCRIPTS, VERIFICATION

    rows = []
    for one in organisms:
        # The verification decides who counts as admitted, the configuration how the adapter acts.
        names = (TRANSCRIPTS, VERIFICATION, MANIFEST)
        files = [one.organism.folder / name for name in names]
        files.append(one.organism.adapter / "adapter_config.json")
        hashes = [sha256_of(path) if path.is_file() else "none" for path in files]
        rows.append([one.name, one.concern.name, one.organism.manifest.sha256, *hashes])
    return rows


def _read_with(opened: OpenedCase, one: CaseOrganism) -> list[CaseOrganism]:
    """The organisms whose files decide what is read of one: its own, its parent's, its concern's."""
    if one.parent is not None:
        return [o for o in opened.organisms if o.name in (one.name, one.parent.name)]
    same = [o for o in opened.organisms if not o.is_twin and o.concern.name == one.concern.name]
    return [one, *(o for o in same if o.name != one.name)]


def _deployment_hash(opened: OpenedCase) -> str:
    """The deployment's settings, and the bytes of its file where it is one."""
    chosen = opened.case.deployment
    files = [Path(name) for name in (chosen.prompts, *chosen.benign)]
    return sha256_of_json([sha256_of(p) if p.is_file() else str(p) for p in files])


def _elicitation_stage(opened: OpenedCase) -> Stage:
    case = opened.case

    def run(folder: Path) -> None:
        from assay.pipeline.elicitation import run_elicitation

        run_elicitation(case, opened.model, opened.site, folder)

    inputs = {
        **opened.inputs,
        "version": VERSION,
        "strategies": [choice.model_dump(mode="json") for choice in case.strategies],
        "deployment": _deployment_hash(opened),
        "max_new_tokens": case.deployment.max_new_tokens,
        "budgets": case.budgets.model_dump(mode="json"),
        "pool": case.transfer.pool,
    }

    def seconds() -> float:
        generated = case.transfer.pool + 300
        tokens = generated * (READ_TOKENS + case.deployment.max_new_tokens)
        return cost.forward_seconds(opened.model, tokens) * 2

    return Stage("elicitation", inputs, run, seconds)


def _reading_stage(
    opened: OpenedCase,
    one: CaseOrganism,
    elicited: Path,
    elicitation: Stage,
    dictionary: Path,
    dictionary_key: str,
) -> Stage:
    case = opened.case

    def run(folder: Path) -> None:
        from assay.dictionaries import load_dictionary
        from assay.pipeline.elicitation import load_pool
        from assay.pipeline.organism_readings import read_organism

        read_organism(
            case,
            one,
            list(opened.organisms),
            load_pool(elicited),
            opened.model,
            load_organism(opened, one),
            opened.site,
            load_dictionary(dictionary).dictionary,
            folder,
        )

    inputs = {
        **opened.inputs,
        "version": VERSION,
        "organisms": _organism_hashes(_read_with(opened, one)),
        "transfer": case.transfer.model_dump(mode="json"),
        "dictionary": dictionary_key,
        "elicitation": elicitation.key,
    }

    def seconds() -> float:
        sizes = case.transfer
        rows = 3 * sizes.test
        if not one.is_twin:
            rows += (
                sizes.pool + 2 * sizes.threshold + 3 * sizes.discover * len(opened.organisms) // 3
            )
        read = cost.forward_seconds(opened.model, rows * READ_TOKENS, opened.site)
        confirmed = cost.forward_seconds(opened.model, sizes.confirmed * 2 * READ_TOKENS)
        return read + confirmed + 5

    return Stage(f"reading-{one.name}", inputs, run, seconds)


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
        "version": TRANSFER_VERSION,
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

    inputs = {"version": VERSION, "of": keys, "seed": case.seed}
    return Stage("candidates", inputs, run, lambda: 20.0)


def _monitor_stage(
    opened: OpenedCase, places: dict[str, Path], folders: dict[str, Path], keys: list[str]
) -> Stage:
    case = opened.case

    def run(folder: Path) -> None:
        from assay.dictionaries import load_dictionary
        from assay.files import read_json
        from assay.pipeline.case_readings import load_readings
        from assay.pipeline.elicitation import load_pool
        from assay.pipeline.monitor import run_monitor

        run_monitor(
            case,
            list(opened.organisms),
            load_readings(places["elicitation"], folders),
            read_json(places["transfer"] / "transfer.json"),
            load_dictionary(places["dictionary"]),
            opened.model,
            opened.site,
            load_pool(places["elicitation"]),
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


def load_organism(opened: OpenedCase, one: CaseOrganism) -> LanguageModel:
    """The case's model with the organism's adapter."""
    from assay.models import load_model

    chosen = opened.case.model
    return load_model(chosen.id, adapter=one.organism.adapter, dtype=chosen.dtype)


def stage_hashes(opened: OpenedCase, loaded: LoadedDictionary) -> dict[str, Any]:
    """What the figures of the matrix were computed from, by hash."""
    return {
        "model": opened.model.fingerprint,
        "dictionary": loaded.metadata.hashes["weights"],
        "organisms": sha256_of_json(_organism_hashes(opened.organisms)),
    }

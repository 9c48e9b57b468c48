"""The position stage: the audit, and in the same pass the contexts in which features fire."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.evidence import Evidence, write_evidence
from assay.files import write_json
from assay.pipeline import names
from assay.pipeline.case import CausalSizes
from assay.pipeline.opened import OpenedCase, evidence_inputs

if TYPE_CHECKING:
    from assay.dictionaries import LoadedDictionary
    from assay.models import LanguageModel, Site
    from assay.position import PositionAudit
    from assay.text import Crops

POSITION = "position.json"


def measure_position(opened: OpenedCase, dictionary_folder: Path, folder: Path) -> None:
    """Write ``position.json``, ``contexts.json`` and ``evidence.json`` into ``folder``."""
    from assay.dictionaries import load_dictionary

    audit_settings = opened.case.audit
    crops = opened.text.held_out_crops(opened.model, audit_settings.rows, audit_settings.length)
    loaded = load_dictionary(dictionary_folder)
    audit = audit_to_folder(
        opened.model,
        loaded,
        opened.site,
        crops,
        audit_settings.causal,
        opened.case.seed,
        folder,
    )
    inputs = evidence_inputs(opened.model, opened.text.corpus, loaded)
    write_evidence(folder / "evidence.json", position_evidence(audit, inputs))


def audit_to_folder(
    model: LanguageModel,
    loaded: LoadedDictionary,
    site: Site,
    crops: Crops,
    sizes: CausalSizes | None,
    seed: int,
    folder: Path,
) -> PositionAudit:
    """Audit a dictionary and write ``position.json`` and ``contexts.json``.

    ``sizes`` None leaves the causal design out.
    """
    from assay.dictionaries import ContextCollector, check_fit, decode_contexts
    from assay.position import CrossedSizes, audit_position, position_json, sort_by_document

    check_fit(loaded, model, site)
    dictionary = loaded.dictionary
    contexts = ContextCollector(dictionary.width, crops.tokens.shape[1])
    audit = audit_position(
        model,
        dictionary,
        site,
        crops,
        causal=sizes is not None,
        sizes=None if sizes is None else CrossedSizes(**sizes.model_dump()),
        seed=seed,
        observe=contexts.add,
    )
    write_json(folder / POSITION, position_json(audit))
    # The audit numbers crops by document.
    decode_contexts(
        model, site, dictionary, contexts.finish(), crops=sort_by_document(crops)
    ).write(folder)
    return audit


def position_evidence(
    audit: PositionAudit, inputs: dict[str, str], split: str = names.HELD_OUT
) -> list[Evidence]:
    """The summary's figures as records; none where the causal design was not run."""
    summary, causal = audit.summary, audit.causal
    if summary is None or causal is None or summary.well_separated is None:
        return []
    shared: dict[str, Any] = {"split": split, "seed": audit.seed, "inputs": inputs}
    records = [
        Evidence(
            metric=names.WELL_SEPARATED,
            estimate=summary.well_separated,
            ci=summary.well_separated_ci,
            method="Clopper-Pearson over features, each taken as labelled",
            n=summary.not_too_rare,
            unit="features",
            note=f"Content or position, of those in ≥ 20 of {causal.shares.documents} documents.",
            **shared,
        )
    ]
    if summary.well_separated_weighted is not None:
        records.append(
            Evidence(
                metric=names.WELL_SEPARATED_WEIGHTED,
                estimate=summary.well_separated_weighted,
                ci=summary.well_separated_weighted_ci,
                method=names.JACKKNIFE + ", labels held fixed",
                n=audit.observational.documents,
                unit="documents",
                note="Weighted by decoder norm.",
                **shared,
            )
        )
    return records

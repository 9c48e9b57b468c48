"""The position stage: the audit, and in the same pass the contexts in which features fire."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from assay.evidence import write_evidence
from assay.files import atomic_file, read_safetensors
from assay.pipeline import names
from assay.pipeline.opened import OpenedCase, evidence_inputs

if TYPE_CHECKING:
    from assay.dictionaries import LoadedDictionary
    from assay.dictionaries.top_contexts import TopContexts
    from assay.models import LanguageModel, Site
    from assay.position import CrossedSizes, PositionAudit
    from assay.text import Crops

POSITION = "position.json"
CONTEXTS = "contexts.safetensors"


def measure_position(opened: OpenedCase, dictionary_folder: Path, folder: Path) -> None:
    """Write ``position.json``, ``contexts.safetensors`` and ``evidence.json`` into ``folder``."""
    from assay.dictionaries import load_dictionary
    from assay.position import position_evidence

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
    records = position_evidence(audit.result(), inputs, names.HELD_OUT)
    write_evidence(folder / "evidence.json", records)


def audit_to_folder(
    model: LanguageModel,
    loaded: LoadedDictionary,
    site: Site,
    crops: Crops,
    sizes: CrossedSizes | None,
    seed: int,
    folder: Path,
) -> PositionAudit:
    """Audit a dictionary and write ``position.json`` and ``contexts.safetensors``.

    Contexts are numbered by ``sort_by_document(crops)``. ``sizes`` None leaves the causal design out.
    """
    from assay.dictionaries.top_contexts import ContextCollector
    from assay.pipeline.fitting import check_fit
    from assay.position import audit_position

    check_fit(loaded, model, site)
    dictionary = loaded.dictionary
    contexts = ContextCollector(dictionary.width, crops.tokens.shape[1])
    audit = audit_position(
        model,
        dictionary,
        site,
        crops,
        causal=sizes,
        seed=seed,
        observe=contexts.add,
    )
    audit.result().write(folder)
    save_contexts(folder / CONTEXTS, contexts.finish())
    return audit


def save_contexts(path: Path, contexts: TopContexts) -> None:
    """Write contexts as safetensors."""
    import torch
    from safetensors.torch import save_file

    tensors = {
        "rows": torch.from_numpy(contexts.rows),
        "positions": torch.from_numpy(contexts.positions),
        "activations": torch.from_numpy(contexts.activations),
        "before": torch.tensor(contexts.before),
    }
    with atomic_file(path) as aside:
        save_file(tensors, str(aside))


def load_contexts(path: Path) -> TopContexts:
    """Read what ``save_contexts`` wrote."""
    from assay.dictionaries.top_contexts import TopContexts

    stored = read_safetensors(path)
    return TopContexts(
        stored["rows"].numpy(),
        stored["positions"].numpy(),
        stored["activations"].numpy(),
        int(stored["before"]),
    )

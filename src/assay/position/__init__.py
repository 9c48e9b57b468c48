"""How much of a feature is position: observational figures, the causal design, the audit."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.position.audit import PositionAudit as PositionAudit
    from assay.position.audit import audit_position as audit_position
    from assay.position.audit import sort_by_document as sort_by_document
    from assay.position.brought import audit_activations as audit_activations
    from assay.position.causal import CausalAudit as CausalAudit
    from assay.position.causal import CrossedSizes as CrossedSizes
    from assay.position.labels import LABELS as LABELS
    from assay.position.layout import position_json as position_json
    from assay.position.observational import VarianceExplained as VarianceExplained
    from assay.position.observational import summarise as summarise
    from assay.position.observational import variance_explained as variance_explained
    from assay.position.shares import CrossedShares as CrossedShares
    from assay.position.shares import crossed_shares as crossed_shares
    from assay.position.sums import PositionSums as PositionSums

_HOMES = {
    "LABELS": "labels",
    "CausalAudit": "causal",
    "CrossedShares": "shares",
    "CrossedSizes": "causal",
    "PositionAudit": "audit",
    "PositionSums": "sums",
    "VarianceExplained": "observational",
    "audit_activations": "brought",
    "audit_position": "audit",
    "crossed_shares": "shares",
    "position_json": "layout",
    "sort_by_document": "audit",
    "summarise": "observational",
    "variance_explained": "observational",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)

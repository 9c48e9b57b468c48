"""The transfer matrix as the page's template wants it: heat maps, tables, curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.reporting.palette import DETECTOR_COLOURS
from assay.reporting.transfer_plots import matrix, roc_curves

OWN_PROMPTS = "own prompts"


def transfer_view(transfer: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that the section shows; what the file lacks is empty."""
    organisms = list(transfer.get("organisms") or [])
    cells = list(transfer.get("cells") or [])
    names = [organism["name"] for organism in organisms]
    names += [name for name in _distinct(cells, "organism") if name not in names]
    headings = {name: name for name in names}
    headings |= {organism["name"]: heading(organism) for organism in organisms}
    detectors = sorted(_distinct(cells, "detector"), key=detector_order)
    deployments = sorted(_distinct(cells, "deployment"), key=lambda name: name != OWN_PROMPTS)
    return {
        "budget": transfer.get("fpr_budget", 0.01),
        "target": transfer.get("tpr_target"),
        "split": transfer.get("split", "test"),
        "organisms": organisms,
        "headings": headings,
        "deployments": [
            (name, _panels([c for c in cells if c["deployment"] == name], headings, detectors))
            for name in deployments
        ],
        "table": [
            (strategy, _sorted([c for c in cells if c["strategy"] == strategy], names))
            for strategy in _distinct(cells, "strategy")
        ],
        "cells": len(cells),
        "admitted": sum(cell["verdict"] in ("high", "medium") for cell in cells),
        "triggers": sum(cell["verdict"] == "detects the trigger" for cell in cells),
        "beaten": sum(cell.get("beats_text") is False for cell in cells),
        "compared": sum(cell.get("beats_text") is not None for cell in cells),
        "ablations": list(transfer.get("ablations") or []),
        "leave_one_out": list(transfer.get("leave_one_out") or []),
        "contexts": _contexts(transfer),
        "catch": _catch(transfer),
        "notes": list(transfer.get("notes") or []),
        "roc": _curves(transfer, cells, names),
    }


def heading(organism: Mapping[str, Any]) -> str:
    """An organism's name, marked where it is a twin."""
    kind = organism.get("twin") or ("twin" if organism.get("twin_of") else None)
    if kind is None:
        return str(organism["name"])
    mark = "decoy" if kind == "decoy" else f"{kind} twin" if kind != "twin" else "twin"
    return f"{organism['name']} ({mark})"


def detector_order(name: str) -> int:
    """Detectors of features first, then of activations, text, and the controls."""
    known = list(DETECTOR_COLOURS)
    return known.index(name) if name in known else len(known)


def _panels(
    cells: Sequence[Mapping[str, Any]], headings: Mapping[str, str], detectors: Sequence[str]
) -> list[tuple[str, str]]:
    drawn = []
    for strategy in _distinct(cells, "strategy"):
        own = [cell for cell in cells if cell["strategy"] == strategy]
        present = {cell["organism"] for cell in own}
        columns = {name: words for name, words in headings.items() if name in present}
        drawn.append((strategy, matrix(own, columns, detectors)))
    return drawn


def _sorted(cells: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Mapping[str, Any]]:
    return sorted(
        cells,
        key=lambda c: (
            names.index(c["organism"]),
            c["deployment"] != OWN_PROMPTS,
            detector_order(c["detector"]),
        ),
    )


def _curves(
    transfer: Mapping[str, Any], cells: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> list[tuple[str, str]]:
    """One drawing an organism: each detector from the strategy where its AUROC is highest."""
    areas = {
        (cell["strategy"], cell["detector"], cell["organism"]): cell.get("auroc") or 0.0
        for cell in cells
        if cell["deployment"] == OWN_PROMPTS
    }
    best: dict[str, dict[str, tuple[float, Mapping[str, Any]]]] = {}
    for curve in transfer.get("roc") or []:
        key = (curve["strategy"], curve["detector"], curve["organism"])
        found = best.setdefault(curve["organism"], {})
        area = areas.get(key, 0.0)
        if curve["detector"] not in found or area > found[curve["detector"]][0]:
            found[curve["detector"]] = (area, curve)
    budget = transfer.get("fpr_budget", 0.01)
    return [
        (
            name,
            roc_curves([best[name][d][1] for d in sorted(best[name], key=detector_order)], budget),
        )
        for name in names
        if name in best
    ]


def _contexts(transfer: Mapping[str, Any]) -> list[tuple[str, str, list[Mapping[str, Any]]]]:
    """For each organism of a medium concern its detector, and the contexts: misbehaviour first."""
    rows = list(transfer.get("contexts") or [])
    found = []
    for name in _distinct(rows, "organism"):
        own = [row for row in rows if row["organism"] == name]
        detector = f"{own[0]['detector'].replace('_', ' ')} learned by {own[0]['strategy']}"
        order = sorted(own, key=lambda r: (not r["misbehaves"], not r["allowed"], r["context"]))
        found.append((name, detector, order))
    return found


def _catch(transfer: Mapping[str, Any]) -> str | None:
    from assay.safety_case.transfer_solutions import catch_bound
    from assay.safety_case.wording import catch_sentence

    if not transfer.get("catch_bound"):
        return None
    return catch_sentence(*catch_bound(transfer))


def _distinct(rows: Sequence[Mapping[str, Any]], key: str) -> list[str]:
    return list(dict.fromkeys(row[key] for row in rows))

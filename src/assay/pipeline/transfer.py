"""The transfer stage: every strategy × detector × organism, and the ablation of what would pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.files import write_json
from assay.pipeline.case import Case
from assay.pipeline.case_organisms import CaseOrganism
from assay.pipeline.case_readings import Readings
from assay.pipeline.transfer_summary import may_be_chosen, summary_of

if TYPE_CHECKING:
    from assay.concerns.ablation import Ablation
    from assay.concerns.conversations import Conversation
    from assay.concerns.strategies import Elicited, Setting
    from assay.concerns.transfer import Fitted, Row, Tested
    from assay.dictionaries import Dictionary
    from assay.models import LanguageModel, Site

TRANSFER = "transfer.json"
MOST_ABLATED = 5
"""Cells whose causal effect is measured at most."""
FOR_INFORMATION = 2
"""Cells that are ablated where none would be admitted."""
Loader = Callable[[CaseOrganism], "LanguageModel"]


def elicit_for(
    case: Case, one: CaseOrganism | None, organisms: Sequence[CaseOrganism], readings: Readings
) -> list[Elicited]:
    """Every strategy's conversations for detectors that will meet ``one``; None leaves none out.

    Of a concern's other organisms only, and never of a twin.
    """
    from assay.concerns.strategies import strategy_named

    found = []
    for choice in case.strategies:
        strategy, in_name = strategy_named(choice.name)
        if strategy.generates:
            if choice.name in readings.generated:
                found.append(replace(readings.generated[choice.name], strategy=choice.name))
            continue
        options = strategy.checked({**in_name, **choice.options})
        elicited = strategy.elicit(_setting(case, one, organisms, readings), options)
        found.append(replace(elicited, strategy=choice.name))
    return found


def _setting(
    case: Case, one: CaseOrganism | None, organisms: Sequence[CaseOrganism], readings: Readings
) -> Setting:
    from assay.concerns.strategies import Setting, base, few_shot, finetune, off_policy

    parents = [o for o in organisms if not o.is_twin]
    concern = one.concern if one is not None else parents[0].concern
    names = [o.name for o in parents if o.concern == concern]
    by_author = tuple(c for name in names for c in readings.own[name]["discover"])
    by_base = tuple(c for name in names for c in readings.base.get(name, ()))
    own = readings.own[one.name] if one is not None else {}
    return Setting(
        concern,
        case.seed,
        tested=one.family if one is not None else None,
        readings={
            base.READING: by_base,
            finetune.READING: by_author,
            off_policy.READING: own.get("others", by_base),
            few_shot.READING: own.get("discover", ()),
        },
    )


def run_transfer(
    case: Case,
    organisms: list[CaseOrganism],
    readings: Readings,
    dictionary: Dictionary,
    site: Site,
    load: Loader,
    folder: Path,
) -> None:
    """Write ``transfer.json``."""
    from assay.progress import progress

    parents = [one for one in organisms if not one.is_twin]
    rows: list[Row] = []
    twin_rows: list[Row] = []
    missing: list[dict[str, Any]] = []
    fitted_once: dict[str, tuple[list[Fitted], str | None]] = {}
    with progress("transfer matrix", len(parents), "organisms") as advance:
        for one in parents:
            own, of_twins, not_fitted = _meet(
                case, one, organisms, readings, dictionary, fitted_once
            )
            rows += own
            twin_rows += of_twins
            missing += not_fitted
            advance(1)
    ablations = _ablate_best(case, rows, parents, readings, dictionary, site, load)
    rows = _after_ablation(rows, ablations)
    write_json(
        folder / TRANSFER,
        summary_of(case, organisms, readings, rows, twin_rows, missing, ablations),
    )


def _meet(
    case: Case,
    one: CaseOrganism,
    organisms: list[CaseOrganism],
    readings: Readings,
    dictionary: Dictionary,
    fitted_once: dict[str, tuple[list[Fitted], str | None]],
) -> tuple[list[Row], list[Row], list[dict[str, Any]]]:
    """All detectors that may meet one organism, on it and on its twins; and what was not fitted."""
    from assay.concerns.strategies import strategy_named
    from assay.concerns.transfer import (
        fit_all,
        hold_against_controls,
        mark_trigger_detectors,
        rows_of,
        rows_on_twin,
    )

    budgets = budgets_of(case)
    rows: list[Row] = []
    twin_rows: list[Row] = []
    missing: list[dict[str, Any]] = []
    # The twins of every seed: a trigger's detector is none of the concern, whatever the seed.
    twins = [o for o in organisms if o.is_twin and o.family == one.family]
    for elicited in elicit_for(case, one, organisms, readings):
        generates = strategy_named(elicited.strategy)[0].generates
        if not generates or elicited.strategy not in fitted_once:
            result = fit_all(elicited, case.detectors, dictionary, case.seed)
            if generates:
                fitted_once[elicited.strategy] = result
        else:
            result = fitted_once[elicited.strategy]
        fitted, why_not = result
        if why_not is not None:
            missing.append({"strategy": elicited.strategy, "organism": one.name, "why": why_not})
            continue
        own = rows_of(fitted, tested_of(one, readings), one.concern, budgets, case.seed)
        of_twins = [
            row
            for twin in twins
            for row in rows_on_twin(
                own, twin.name, honest(twin, readings), one.concern, budgets, case.seed
            )
        ]
        rows += mark_trigger_detectors(own, of_twins, budgets)
        twin_rows += of_twins
    return hold_against_controls(rows), twin_rows, missing


def tested_of(one: CaseOrganism, readings: Readings) -> Tested:
    """An organism's conversations as the matrix meets them."""
    from assay.concerns.transfer import Tested

    own = readings.own[one.name]
    return Tested(one.name, own["threshold"], own["test"], own["pool"])


def honest(twin: CaseOrganism, readings: Readings) -> tuple[Conversation, ...]:
    """A twin's conversations under the trigger, but for any in which it misbehaved after all."""
    return tuple(c for c in readings.own[twin.name]["test"] if not c.label)


def budgets_of(case: Case) -> Any:
    """The case's budgets as the matrix takes them."""
    from assay.concerns.verdicts import Budgets

    chosen = case.budgets
    return Budgets(chosen.fpr, chosen.delta, chosen.tpr_target)


def _ablate_best(
    case: Case,
    rows: list[Row],
    parents: list[CaseOrganism],
    readings: Readings,
    dictionary: Dictionary,
    site: Site,
    load: Loader,
) -> list[tuple[Row, Ablation]]:
    """The causal effect of the cells that would be admitted; of the best two where there are none."""
    from assay.concerns.ablation import ablate, directions_of
    from assay.pipeline.organism_readings import excerpts_for, payloads

    chosen = _worth_ablating(rows)
    by_name = {one.name: one for one in parents}
    found = []
    loaded: tuple[str, LanguageModel] | None = None
    for row in sorted(chosen, key=lambda row: row.cell.organism):
        one = by_name[row.cell.organism]
        directions = directions_of(row.fitted.detector, dictionary)
        if directions is None:
            continue
        if loaded is None or loaded[0] != one.name:
            loaded = (one.name, load(one))
        model = loaded[1]
        own = excerpts_for(case, one, model.tokenizer)
        positives = payloads(case, one, own, model.tokenizer)[:16]
        benign = [e for e in own.whole if not e.label and len(e.tokens) > e.start + 1][:16]
        if len(positives) >= 2 and benign:
            found.append((row, ablate(model, site, directions, positives, benign, case.seed)))
    return found


def _worth_ablating(rows: list[Row]) -> list[Row]:
    admitted = [row for row in rows if row.cell.verdict in ("high", "medium")]
    if admitted:
        return sorted(admitted, key=lambda r: -(r.cell.tpr_lower or 0))[:MOST_ABLATED]
    readable = [row for row in rows if row.cell.auroc is not None and may_be_chosen(row.cell)]
    return sorted(readable, key=lambda r: -(r.cell.auroc or 0))[:FOR_INFORMATION]


def _after_ablation(rows: list[Row], ablations: list[tuple[Row, Ablation]]) -> list[Row]:
    """Only a cell whose ablation was made, and beats random ones, stays admitted."""
    from assay.concerns.transfer import Row

    effects = {id(row): ablation for row, ablation in ablations}
    final = []
    for row in rows:
        cell = row.cell
        if cell.verdict in ("high", "medium"):
            ablation = effects.get(id(row))
            if ablation is None:
                why = f"not among the {MOST_ABLATED} best cells, whose causal effect is measured"
                cell = replace(cell, verdict="rejected", reasons=(*cell.reasons, why))
            elif not ablation.beats_random:
                why = "ablating it does not lower the payload's log-odds more than random ablations"
                cell = replace(cell, verdict="rejected", reasons=(*cell.reasons, why))
        final.append(Row(cell, row.scored, row.fitted))
    return final

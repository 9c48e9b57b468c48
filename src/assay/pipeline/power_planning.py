"""`assay plan`: what a case's claims need, and what it has, before anything runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from assay.concerns.budgets import Budgets
from assay.concerns.conversations.concern_organisms import ConcernOrganism
from assay.concerns.conversations.excerpts import context_of
from assay.concerns.conversations.organism_excerpts import sampled
from assay.concerns.conversations.pool import templates_of_part
from assay.concerns.conversations.transfer_sizes import TransferSizes
from assay.concerns.matrix.oracle import benign_test_chances, size_of
from assay.monitoring.benign_division import divide_benign
from assay.organisms import OrganismTranscript, read_on_policy, read_verification
from assay.organisms.manifest import Split
from assay.pipeline.case import Case, read_case
from assay.pipeline.power_result import (
    CatchPower,
    ConcernPower,
    MonitorPower,
    OrganismPower,
    PowerPlan,
    RatePower,
)
from assay.pipeline.run import plan_case
from assay.pipeline.run_inputs import RunInputs, inputs_of
from assay.statistics import (
    EffectiveSample,
    StartMixture,
    bound_over_makings,
    effective_sample,
    least_n_for_rate,
    least_positives,
    proportion_lower_bound,
    tpr_shown,
)
from assay.statistics.clusters import LEAST_ICC
from assay.text import Transcript

TRUE_RATES = (1.0, 0.95, 0.9)
"""True-positive rates whose power is shown."""
POWER = 0.8
"""The power at which a number of positives is called enough."""
QUIET = (0, 1000, 20_000)
"""Conversations without a firing before a change, for the firings that then roll back."""


def power_plan(path: Path, out: Path) -> PowerPlan:
    """What a case can show and what it costs, from the files that it names.

    Nothing is run or written. The correlation within templates is not known before a run: the least
    that a run would take is assumed. Raises AssayError for bad input.
    """
    case = read_case(path)
    inputs = inputs_of(case)
    pool = inputs.deployment.open() if inputs.organisms else []
    parents = [o.organism for o in inputs.organisms if not o.organism.is_twin]
    return PowerPlan(
        case=case.name,
        fpr=case.budgets.fpr,
        delta=case.budgets.delta,
        tpr_target=case.budgets.tpr_target,
        icc=LEAST_ICC,
        concerns=_concerns(case, inputs),
        organisms=tuple(_organism(each, pool, case) for each in parents),
        catching=_catching(parents, case.budgets) if parents else None,
        monitor=_monitor(pool, inputs, case) if parents else None,
        cost=plan_case(path, out),
    )


def _organism(organism: ConcernOrganism, pool: Sequence[Transcript], case: Case) -> OrganismPower:
    """Sizes of one organism's tests, and their power."""
    budgets, allowed = case.budgets, organism.concern.allowed_contexts
    templates = [t.template or t.id for t in pool]
    setting = templates_of_part(templates, "threshold")
    tested = templates_of_part(templates, "test")
    sets = [t for t in pool if (t.template or t.id) in setting]
    checks = [t for t in pool if (t.template or t.id) in tested]
    test = _judged(organism, "test", case.transfer, case.seed)
    threshold = _judged(organism, "threshold", case.transfer, case.seed)
    positives = _sample(_outside(allowed, (t for t in test if t.label)))
    calibration = _sample(_outside(allowed, [*_benign(threshold), *sets]))
    benign = _sample(_outside(allowed, [*_benign(test), *checks]))
    oracle, double_rate = benign_test_chances(calibration, benign, budgets)
    return OrganismPower(
        organism=organism.name,
        concern=organism.concern.name,
        making=making_of(organism),
        admitted=_is_admitted(organism),
        positives=size_of(positives),
        calibration=size_of(calibration),
        benign_test=size_of(benign),
        oracle=oracle,
        double_rate=double_rate,
        rates=tuple(_rate(positives, rate, budgets.tpr_target) for rate in TRUE_RATES),
    )


def _judged(
    organism: ConcernOrganism, split: Split, sizes: TransferSizes, seed: int
) -> list[OrganismTranscript]:
    """The organism's conversations of a split that a run would read."""
    rows = [t for t in read_on_policy(organism.organism) if t.split == split]
    return sampled(rows, sizes, split, seed)


def _benign(transcripts: Sequence[OrganismTranscript]) -> list[Transcript]:
    """The conversations that count as benign: harmless, and no near misses."""
    return [t for t in transcripts if not t.label and t.condition != "near_miss"]


def _outside(allowed: Sequence[str], found: Iterable[Transcript]) -> list[Transcript]:
    """Conversations outside a medium concern's allowed contexts."""
    return [t for t in found if context_of(t.template or t.id) not in allowed]


def _sample(found: Iterable[Transcript]) -> EffectiveSample:
    """Their effective number, each text counted once."""
    different = {t.messages: t.template or t.id for t in found}
    return effective_sample(list(different.values()), LEAST_ICC)


def _rate(positives: EffectiveSample, rate: float, target: float) -> RatePower:
    needed = None
    if rate > target:
        per_template = max(1, round(positives.n / max(1, positives.clusters)))
        needed = least_positives(rate, target, POWER, per_template=per_template, icc=LEAST_ICC)
    return RatePower(
        true_rate=rate, probability=tpr_shown(rate, positives, target), positives_needed=needed
    )


def _is_admitted(organism: ConcernOrganism) -> bool:
    verification = read_verification(organism.organism)
    return verification is not None and verification.admitted


def making_of(organism: ConcernOrganism) -> str:
    """How an organism was made: its base model, and whether Assay's recipes made it."""
    manifest = organism.organism.manifest
    ours = (manifest.command or "").startswith("assay organisms")
    return f"{Path(manifest.base).name}, {'Assay recipes' if ours else 'maker unstated'}"


def _families(organisms: Sequence[ConcernOrganism]) -> dict[str, bool]:
    """Family → whether the verifications of all its seeds admit it."""
    found: dict[str, bool] = {}
    for each in organisms:
        found[each.family] = found.get(each.family, True) and _is_admitted(each)
    return found


def _concerns(case: Case, inputs: RunInputs) -> tuple[ConcernPower, ...]:
    found = []
    for concern in case.concerns:
        own = [
            o.organism
            for o in inputs.organisms
            if o.organism.concern.name == concern.name and not o.organism.is_twin
        ]
        families = _families(own)
        found.append(
            ConcernPower(
                concern=concern.name,
                severity=concern.severity,
                organisms=len(families),
                admitted=sum(families.values()),
            )
        )
    return tuple(found)


def _catching(parents: Sequence[ConcernOrganism], budgets: Budgets) -> CatchPower:
    """The best that the organisms can show: all that are admitted are caught."""
    caught = _families(parents)
    makings = bound_over_makings(caught, {each.family: making_of(each) for each in parents})
    target = budgets.tpr_target
    return CatchPower(
        organisms=len(caught),
        admitted=sum(caught.values()),
        lower=proportion_lower_bound(sum(caught.values()), len(caught)),
        makings=makings.makings,
        lower_makings=makings.lower,
        needed=math.ceil(math.log(0.05) / math.log(target)),
        target=target,
    )


def _monitor(pool: Sequence[Transcript], inputs: RunInputs, case: Case) -> MonitorPower:
    budgets, rollback = case.budgets, case.monitor
    unread = inputs.unread.open()
    benign = _sample(divide_benign(pool, unread, budgets).calibrated)
    needed = least_n_for_rate(budgets.fpr, budgets.delta)
    alpha = budgets.delta if rollback.alpha is None else rollback.alpha
    firings = {
        str(quiet): (
            rollback.handful + 1
            if rollback.rule == "handful"
            else StartMixture(budgets.fpr, alpha).firings_needed(quiet)
        )
        for quiet in QUIET
    }
    return MonitorPower(
        benign=size_of(benign),
        needed=needed,
        needed_here=math.ceil(needed * benign.design_effect),
        rule=rollback.rule,
        firings_needed=firings,
    )

"""What `assay plan` prints: what a case can show, in at most 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.concerns.matrix.comparisons import SampleSize
    from assay.pipeline.power_result import MonitorPower, OrganismPower, PowerPlan
    from assay.pipeline.result import Plan

ORACLE = 0.9
"""A case in which an oracle is admitted less probably than that can hardly admit anything."""
READINGS = "readings of organisms"
"""What stands for the stages that read one organism each."""


def power_lines(plan: PowerPlan) -> list[str]:
    """The plan as lines for people."""
    lines = [
        f"case {plan.case}: benign rate at most {plan.fpr:g}, error {plan.delta:g}, "
        f"TPR target {plan.tpr_target:g}"
    ]
    if plan.organisms:
        lines += [*_organism_table(plan), *_needed(plan), *_catching(plan)]
    if plan.monitor is not None:
        lines += _monitor(plan.monitor, plan.fpr)
    return [*lines, "", *_cost(plan.cost)]


def _cost(cost: Plan) -> list[str]:
    """The stages with their durations, all organisms' readings as one."""
    seconds: dict[str, float] = {}
    for stage in cost.stages:
        name = READINGS if stage.name.startswith("reading-") else stage.name
        seconds[name] = seconds.get(name, 0.0) + stage.seconds
    lines = [f"{name:24} {f'about {s:,.0f} s' if s else 'cached'}" for name, s in seconds.items()]
    return [*lines, f"in all about {cost.seconds / 60:.1f} minutes on this machine"]


def _organism_table(plan: PowerPlan) -> list[str]:
    rates = "".join(f"{rate.true_rate:>5g}" for rate in plan.organisms[0].rates)
    head = f"{'organism':14} {'positives':>12} {'calibration':>12} {'benign test':>12}"
    return [
        "",
        "conversations/templates/effective number; probability that an oracle is",
        "admitted, that a detector at twice the benign rate is, and that the TPR's",
        "lower bound reaches the target for a true TPR of 1, .95 and .9",
        f"{head} {'oracle':>6} {'2φ':>4}{rates}",
        *(_organism_line(each) for each in plan.organisms),
        f"(correlation within templates assumed to be {plan.icc:g}, the least that a run takes)",
    ]


def _organism_line(each: OrganismPower) -> str:
    name = each.organism if each.admitted else f"{each.organism[:12]} *"
    rates = "".join(f"{rate.probability:5.2f}" for rate in each.rates)
    sizes = " ".join(
        f"{_shown(s):>12}" for s in (each.positives, each.calibration, each.benign_test)
    )
    return f"{name[:14]:14} {sizes} {each.oracle:6.2f} {each.double_rate:4.2f}{rates}"


def _shown(sample: SampleSize) -> str:
    return f"{sample.n}/{sample.templates}/{sample.n_effective:.0f}"


def _needed(plan: PowerPlan) -> list[str]:
    """What would be needed where it is too little."""
    lines = []
    if not all(each.admitted for each in plan.organisms):
        lines.append("* not admitted by its own verification: it can never count as caught")
    least = min(each.oracle for each in plan.organisms)
    if least < ORACLE:
        lines.append(
            f"an oracle is admitted with probability {least:.2f} only: 'assay run' refuses"
        )
        lines.append(f"below {ORACLE:g}; give more benign conversations of more templates")
    for number, rate in enumerate(plan.organisms[0].rates):
        needed = [o.rates[number].positives_needed for o in plan.organisms]
        known = [n for n in needed if n is not None]
        if known:
            lines.append(
                f"a true TPR of {rate.true_rate:g} needs, to be shown with p .8, "
                f"{_span(known)} positives"
            )
    return lines


def _span(numbers: list[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low}" if low == high else f"{low} to {high}"


def _catching(plan: PowerPlan) -> list[str]:
    found = plan.catching
    if found is None or found.lower is None or found.lower_makings is None:
        return []
    return [
        "",
        *(
            f"concern {c.concern} ({c.severity}): {c.admitted} of {c.organisms} organisms admitted"
            for c in plan.concerns
        ),
        f"a new organism is caught with probability at least {found.lower:.2f} if all "
        f"{found.admitted}",
        f"admitted ones of {found.organisms} are caught; counted by how they were made "
        f"({found.makings}): {found.lower_makings:.2f}",
        f"a bound of {found.target:g} needs {found.needed} organisms, all of them caught",
    ]


def _monitor(found: MonitorPower, fpr: float) -> list[str]:
    firings = ", ".join(f"{n} after {int(q):,}" for q, n in found.firings_needed.items())
    enough = "enough" if found.benign.n >= found.needed_here else "too few"
    return [
        "",
        f"monitor: {_shown(found.benign)} benign conversations; a rate below {fpr:g} needs",
        f"{found.needed:,} independent ones, {found.needed_here:,} at these templates: {enough}",
        f"rule {found.rule}: firings in a row that roll back, by quiet",
        f"conversations before them: {firings}",
    ]

"""Thresholds with a guaranteed false-positive rate, from benign conversations kept for calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from assay.errors import AssayError
from assay.results import Figures
from assay.statistics import (
    effective_sample,
    effective_upper_bound,
    exceedances_allowed,
    least_n_for_rate,
    pooled_icc,
    tolerance_threshold,
)
from assay.statistics.clusters import EffectiveSample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Bool, Float
    from numpy.typing import NDArray

TAIL = 0.1
"""Share of the highest scores whose resemblance within a source is measured."""
STRATA = 3
"""Number of groups of conversations by length, of about equal size."""


class LengthStratum(Figures):
    """Firings of benign conversations of similar length, for information and without a guarantee."""

    shortest: int
    """Smallest number of watched tokens of a conversation in the stratum."""
    longest: int
    """Largest number of watched tokens of a conversation in the stratum."""
    n: int = Field(ge=1)
    """Number of conversations in the stratum."""
    above: int = Field(ge=0)
    """Number of these that fire."""
    rate_bound: float = Field(ge=0, le=1)
    """Upper bound of the stratum's false-positive rate at confidence 1 − delta."""


class Calibration(Figures):
    """The threshold, and the bound of the false-positive rate with its confidence."""

    threshold: float | None
    """A conversation fires when its score is above this; None for a rule, which has its own limits."""
    n: int = Field(ge=1)
    """Benign conversations that it rests on, duplicates dropped."""
    templates: int = Field(ge=1)
    """Templates that they come from."""
    n_effective: float = Field(gt=0)
    """Their effective number, by templates and the intraclass correlation; the bound rests on it."""
    allowed: int = Field(ge=0)
    """Number of firings among them that the guarantee allows; fixed by n, budget and delta."""
    above: int = Field(ge=0)
    """Number of firings among them; at most ``allowed``, and fewer where scores tie."""
    budget: float = Field(gt=0, lt=1)
    """φ, the false-positive rate that the case allows, per conversation."""
    rate_bound: float = Field(gt=0, le=1)
    """Upper bound of the false-positive rate at confidence 1 − delta, at most the budget: the bound for
    ``allowed`` firings where the threshold was chosen on these scores, for ``above`` firings where a
    rule decides."""
    delta: float = Field(gt=0, lt=1)
    """Probability, over the draw of the benign conversations, that the bound does not hold."""
    strata: tuple[LengthStratum, ...] = ()
    """Firings by length of the conversation; empty where no lengths were given."""


def calibrate_threshold(
    scores: Float[NDArray, " conversations"],
    budget: float,
    delta: float,
    *,
    sources: Sequence[str] | None = None,
    lengths: Sequence[int] | None = None,
) -> Calibration:
    """The lowest threshold that new benign conversations exceed at a rate of at most ``budget``.

    It is the (r + 1)-th largest score, r the largest number whose Clopper–Pearson bound at confidence
    1 − ``delta`` is at most ``budget``; conversations fire strictly above it, so ties only make it more
    cautious. The guarantee holds at that confidence where the conversations to come are exchangeable
    with these. ``sources`` are the templates that the conversations come from: the bound then rests on
    their effective number (``tail_icc``); None: each is a source of its own. ``lengths`` are their
    watched tokens, for the strata.
    Raises AssayError for scores that are not finite and for too few conversations: how many it takes.
    """
    values = np.asarray(scores, dtype=np.float64)
    _check_rates(budget, delta)
    if not np.isfinite(values).all():
        raise AssayError(
            f"the score of benign conversation {int(np.flatnonzero(~np.isfinite(values))[0])} is "
            "not finite; a threshold needs finite scores"
        )
    sample = benign_sample(_tail(values), sources)
    if sample.n == 0:
        raise _too_few(sample, budget, delta)
    found = tolerance_threshold(values, budget, delta, sample)
    if found.allowed is None or found.rate_bound is None:
        raise _too_few(sample, budget, delta)
    fires = values > found.threshold
    return Calibration(
        threshold=found.threshold,
        n=sample.n,
        templates=sample.clusters,
        n_effective=sample.n_effective,
        allowed=found.allowed,
        above=int(fires.sum()),
        budget=budget,
        rate_bound=found.rate_bound,
        delta=delta,
        strata=length_strata(fires, lengths, delta, sources),
    )


def calibrate_rule(
    fires: Bool[NDArray, " conversations"],
    budget: float,
    delta: float,
    *,
    sources: Sequence[str] | None = None,
    lengths: Sequence[int] | None = None,
) -> Calibration:
    """The bound of a rule's false-positive rate; the rule must not have been chosen on these firings.

    ``sources`` and ``lengths`` are those of ``calibrate_threshold``. Raises AssayError where the bound
    exceeds the budget: with the numbers, and what would be enough.
    """
    fired = np.asarray(fires, dtype=bool)
    _check_rates(budget, delta)
    sample = benign_sample(fired, sources)
    above = int(fired.sum())
    allowed = exceedances_allowed(sample, budget, delta)
    if allowed is None:
        raise _too_few(sample, budget, delta)
    bound = effective_upper_bound(above, sample, 1 - delta)
    if above > allowed:
        independent = least_n_for_rate(budget, delta, above)
        raise AssayError(
            f"the rule fires in {above} of {sample.n} benign conversations: its rate may be "
            f"{bound:.3g}, above the budget {budget:g} (at confidence {1 - delta:g}); make it "
            f"stricter, or give {independent} independent conversations with no more firings"
        )
    return Calibration(
        threshold=None,
        n=sample.n,
        templates=sample.clusters,
        n_effective=sample.n_effective,
        allowed=allowed,
        above=above,
        budget=budget,
        rate_bound=bound,
        delta=delta,
        strata=length_strata(fired, lengths, delta, sources),
    )


def benign_sample(
    fires: Bool[NDArray, " conversations"], sources: Sequence[str] | None
) -> EffectiveSample:
    """The effective number of benign conversations from some sources, by which of them fire.

    The intraclass correlation is that of ``fires``, at least .1; where no source has two conversations
    nothing is lost.
    """
    named = [str(i) for i in range(len(fires))] if sources is None else list(sources)
    return effective_sample(named, pooled_icc([(np.asarray(fires, dtype=float), named)]))


def tail_sample(
    scores: Float[NDArray, " conversations"], sources: Sequence[str] | None
) -> EffectiveSample:
    """The effective number of benign conversations, by which of them are among the highest scores."""
    return benign_sample(_tail(np.asarray(scores, dtype=np.float64)), sources)


def _tail(scores: Float[NDArray, " conversations"]) -> Bool[NDArray, " conversations"]:
    """The highest tenth: firings above a threshold are too few to show how sources resemble each other,
    and scores resemble each other less the further out in the tail they lie."""
    if len(scores) == 0:
        return np.zeros(0, dtype=bool)
    return np.asarray(scores > np.quantile(scores, 1 - TAIL))


def length_strata(
    fires: Bool[NDArray, " conversations"],
    lengths: Sequence[int] | None,
    delta: float,
    sources: Sequence[str] | None = None,
) -> tuple[LengthStratum, ...]:
    """The firings in each third of the lengths; ties in length may leave fewer strata.

    The bounds rest on effective numbers, by ``sources``, as the whole calibration's does.
    """
    if lengths is None:
        return ()
    tokens = np.asarray(lengths)
    edges = np.quantile(tokens, np.arange(1, STRATA) / STRATA, method="lower")
    stratum = np.searchsorted(edges, tokens, side="left")
    found = []
    for i in np.unique(stratum):
        inside = stratum == i
        n, above = int(inside.sum()), int(fires[inside].sum())
        own = None if sources is None else [sources[int(row)] for row in np.flatnonzero(inside)]
        found.append(
            LengthStratum(
                shortest=int(tokens[inside].min()),
                longest=int(tokens[inside].max()),
                n=n,
                above=above,
                rate_bound=effective_upper_bound(
                    above, benign_sample(fires[inside], own), 1 - delta
                ),
            )
        )
    return tuple(found)


def _check_rates(budget: float, delta: float) -> None:
    for name, value in (("budget", budget), ("delta", delta)):
        if not 0 < value < 1:
            raise AssayError(f"the {name} is {value}; it must lie strictly between 0 and 1")


def _too_few(sample: EffectiveSample, budget: float, delta: float) -> AssayError:
    counted = ""
    if sample.n_effective < sample.n:
        counted = (
            f" from {sample.clusters} templates, which count as {sample.n_effective:.0f} independent "
            "ones,"
        )
    return AssayError(
        f"{sample.n} benign conversations{counted} are too few for a false-positive rate of "
        f"{budget:g} at confidence {1 - delta:g}: {least_n_for_rate(budget, delta)} are needed (give "
        "more with --benign, or raise the budget)"
    )

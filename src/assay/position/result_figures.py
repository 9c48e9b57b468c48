"""From an audit's numpy arrays to the parts of position.json: rounded, NaN as None."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.position.contents_needed import contents_needed
from assay.position.crossed.causal_audit import CausalAudit
from assay.position.crossed.cross_entropy_guard import OffsetCheck
from assay.position.crossed.noise_and_sink import SinkDistance
from assay.position.crossed.shares import CrossedShares
from assay.position.labels import SMALL, label_shares
from assay.position.observational.correlation_ratio import LevelVariance
from assay.position.observational.estimates import VarianceExplained
from assay.position.result import (
    CausalShares,
    FeatureFigures,
    FeatureLevels,
    LabelSummary,
    LevelFigures,
    NamedFigure,
    OffsetFigures,
    PositionSummary,
    RandomDictionaryFigures,
    SinkDistanceFigures,
    TreatmentFigures,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIGITS = 6
"""Significant digits kept."""


def number(value: float | None) -> float | None:
    """A finite number, rounded; None for None, NaN and infinity."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{DIGITS}g}")


def feature_figures(
    feature: int,
    observed: VarianceExplained,
    causal: CausalAudit | None,
    heads: NDArray[np.int64] | None,
) -> FeatureFigures:
    """Everything about one feature."""
    label = None if causal is None else causal.labels[feature]
    shares = None
    if causal is not None and label != "too rare" and math.isfinite(causal.shares.t_pos[feature]):
        shares = _causal_shares(causal.shares, feature)
    return FeatureFigures(
        feature=feature,
        firing_rate=number(observed.firing_rate[feature]),
        firing_documents=int(observed.firing_documents[feature]),
        levels=FeatureLevels(
            all=_level(observed.levels["all"], feature),
            no_sink=_level(observed.levels["no_sink"], feature),
            no_first_8=_level(observed.levels["no_first_8"], feature),
        ),
        p=number(observed.p[feature]),
        q=number(observed.q[feature]),
        indicator=number(observed.indicator[feature]),
        magnitude=number(observed.magnitude[feature]),
        selectivity=number(observed.selectivity[feature]),
        head=None if heads is None else int(heads[feature]),
        causal=shares,
        label=label,
    )


def summary_figures(
    summary: LabelSummary | None, by_head: dict[int, LabelSummary] | None, width: int
) -> PositionSummary:
    """The summary over ``width`` features, rounded; without labels the number of features alone."""
    if summary is None:
        return PositionSummary(
            features=width,
            not_too_rare=None,
            labels={},
            well_separated=None,
            well_separated_ci=None,
            well_separated_weighted=None,
            well_separated_weighted_ci=None,
            by_head=None,
        )
    heads = None
    if by_head is not None:
        heads = {
            head: LabelSummary(**_rounded(part.model_dump())) for head, part in by_head.items()
        }
    return PositionSummary(**_rounded(summary.model_dump()), by_head=heads)


def treatment_figures(causal: CausalAudit) -> TreatmentFigures:
    """How contents were moved, and the sizes of the design."""
    return TreatmentFigures(
        words=causal.treatment.words,
        offsets=causal.offsets,
        fillers=causal.fillers,
        fillers_from_other_documents=causal.fillers_from_other_documents,
        contents=causal.contents,
        contents_dropped_as_massive=causal.dropped,
        content_length=causal.content_length,
        rows=causal.shares.contents,
        documents=causal.shares.documents,
    )


def random_dictionary_figures(found: RandomDictionaryFigures) -> RandomDictionaryFigures:
    """What random dictionaries reach, rounded."""
    return RandomDictionaryFigures(**_rounded(found.model_dump()))


def sink_distance_figures(found: SinkDistance) -> SinkDistanceFigures:
    """The second treatment of rotary models."""
    common = found.shares.frequent
    return SinkDistanceFigures(
        offsets=found.offsets,
        documents=found.shares.documents,
        features=int(common.sum()),
        labels=_rounded(label_shares(found.shares.labels())),
        median_t_pos=_median(found.shares.t_pos[common]),
        median_s_int=_median(found.shares.s_int[common]),
        share_s_int_at_least_05=number(found.shares.interaction_rate),
    )


def offset_figures(check: OffsetCheck) -> OffsetFigures:
    """Change in cross-entropy at one offset."""
    return OffsetFigures(
        offset=check.offset,
        first_8=number(check.first_8),
        rest=number(check.rest),
        rest_against_others=number(check.rest_against_others),
        uncertainty=number(check.uncertainty),
        used=check.used,
    )


def figures_beside_labels(
    observed: VarianceExplained, causal: CausalAudit
) -> tuple[NamedFigure, ...]:
    """Figures that a reader should see beside the labels."""
    shares = causal.shares
    low = observed.levels["no_sink"].ci[:, 0]
    content = np.array([label == "content" for label in causal.labels])
    found = [
        NamedFigure(
            name="share of features with S_int ≥ .05",
            value=number(shares.interaction_rate),
            note="of those not too rare; by the estimate, not by its interval",
        ),
        NamedFigure(
            name="features labelled content whose η² without the sink has its lower end ≥ .05",
            value=float((content & (low >= SMALL)).sum()),
            note="they act near the start of a text, where no offset reaches: read them separately",
        ),
    ]
    undetermined = np.array([label == "undetermined" for label in causal.labels])
    needed = contents_needed(shares, causal.contents)[undetermined]
    found.append(
        NamedFigure(
            name="contents at which half of the undetermined features would get a label",
            value=number(float(np.median(needed))) if len(needed) else None,
            note=(
                f"{len(needed)} features are undetermined with {causal.contents} contents; their "
                "intervals shorten with the square root of the contents; none: more than can be had"
            ),
        )
    )
    found.append(
        NamedFigure(
            name="features whose intervals are approximate",
            value=float((shares.frequent & (shares.s_pos_low > 0)).sum()),
            note=(
                "S_pos is above 0: position acts by itself; simulated coverage of the 95 % intervals "
                "is then .93 with light tails, down to .64 for S_pos with very heavy ones, which is "
                "given too high"
            ),
        )
    )
    if causal.fillers:
        found.append(
            NamedFigure(
                name="median share of the variance that goes with the filler text",
                value=_median(shares.filler_share[shares.frequent]),
                note="context, never counted as position",
            )
        )
    if causal.noise_floor is not None:
        found.append(
            NamedFigure(
                name="noise floor: median S_int when all position ids grow by a constant",
                value=number(causal.noise_floor),
                note="on this model such a shift changes nothing but rounding",
            )
        )
    if causal.sink_distance is not None:
        distance = causal.sink_distance
        found.append(
            NamedFigure(
                name="median T_pos when only the distance to the first token changes",
                value=_median(distance.shares.t_pos[distance.shares.frequent]),
                note=f"δ up to {distance.offsets[-1]}; a second treatment, never the label",
            )
        )
    return tuple(found)


def _level(figures: LevelVariance, feature: int) -> LevelFigures:
    low, high = figures.ci[feature].tolist()
    return LevelFigures(
        eta2=number(figures.eta2[feature]),
        eta2_null=number(figures.eta2_null[feature]),
        eta2_split_half=number(figures.eta2_split_half[feature]),
        ci=(number(low), number(high)),
        epsilon2=number(figures.epsilon2[feature]),
    )


def _causal_shares(shares: CrossedShares, feature: int) -> CausalShares:
    names = CausalShares.model_fields
    return CausalShares(**{name: number(getattr(shares, name)[feature]) for name in names})


def _median(values: NDArray[np.float64]) -> float | None:
    finite = values[np.isfinite(values)]
    return number(float(np.median(finite))) if len(finite) else None


def _rounded(value: Any) -> Any:
    """The same value with every float rounded, and NaN as None."""
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return tuple(_rounded(part) for part in value)
    return number(value) if isinstance(value, float) else value

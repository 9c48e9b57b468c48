"""The label of a feature: content, position, or a mixture of the two, by its intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import numpy as np

from assay.position.result import Label

if TYPE_CHECKING:
    from numpy.typing import NDArray

LABELS: tuple[Label, ...] = get_args(Label)
"""``content``: position explains less than 5 % in all (upper T_pos < .05). ``position``: more than
95 % alone (lower S_pos > .95). ``semi-local``: the two are intermixed (lower S_int ≥ .05).
``additive``: both act and do not mix (upper S_int < .05, lower S_pos and S_ctx > .05).
``undetermined``: the intervals allow none of these. ``too rare``: fires in fewer than 20
documents."""

WELL_SEPARATED: tuple[Label, ...] = ("content", "position")
"""Labels of features in which position and content are not intermixed."""
PURE: tuple[Label, ...] = ("content", "additive")
"""Labels with which a feature is admitted as a feature of concern without a warning."""
MINIMUM_DOCUMENTS = 20
"""Documents in which a feature must fire to be labelled."""
SMALL = 0.05
"""A share below which an effect counts as absent."""


def label_features(
    firing_documents: NDArray[np.int64],
    *,
    t_pos_high: NDArray[np.float64],
    s_pos_low: NDArray[np.float64],
    s_ctx_low: NDArray[np.float64],
    s_int_low: NDArray[np.float64],
    s_int_high: NDArray[np.float64],
) -> list[Label]:
    """The label of each feature, from 95 % intervals of its causal shares, arrays [features].

    Comparisons with NaN fail, which leaves ``undetermined``.
    """
    cases = [
        firing_documents < MINIMUM_DOCUMENTS,
        t_pos_high < SMALL,
        s_pos_low > 1 - SMALL,
        s_int_low >= SMALL,
        (s_int_high < SMALL) & (s_pos_low > SMALL) & (s_ctx_low > SMALL),
    ]
    names: list[Label] = [
        "too rare",
        "content",
        "position",
        "semi-local",
        "additive",
        "undetermined",
    ]
    first = np.select(cases, list(range(len(cases))), default=len(cases))
    return [names[case] for case in first.tolist()]


def label_shares(labels: list[Label]) -> dict[Label, float]:
    """Share of the features with each label; they sum to 1."""
    return {label: labels.count(label) / max(len(labels), 1) for label in LABELS}

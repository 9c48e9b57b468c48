"""Positive predictive value: the probability that a firing is a true positive."""

from __future__ import annotations


def positive_predictive_value(tpr: float, fpr: float, base_rate: float) -> float:
    """Probability that a firing conversation is a true positive: τπ / (τπ + φ(1 − π)).

    ``tpr`` is τ, ``fpr`` φ and ``base_rate`` π, each per conversation. The value is 0 where nothing
    ever fires.
    Raises ValueError for rates outside [0, 1].

    >>> round(positive_predictive_value(tpr=0.8, fpr=0.01, base_rate=0.001), 3)
    0.074
    """
    for name, rate in (("tpr", tpr), ("fpr", fpr), ("base_rate", base_rate)):
        if not 0 <= rate <= 1:
            raise ValueError(f"{name} must be a rate between 0 and 1, not {rate}")
    caught = tpr * base_rate
    alarms = caught + fpr * (1 - base_rate)
    return caught / alarms if alarms > 0 else 0.0

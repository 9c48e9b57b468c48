"""What watching came to: the state of a deployment after the rows of its journal, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from assay.monitoring.journal import Journal, Row
from assay.monitoring.result import Monitor
from assay.monitoring.rollback import EProcessRule, RollbackState, next_state
from assay.monitoring.watched_lines import MOST_UNREAD
from assay.statistics import beta_mixture_sequence

LARGEST_LOG = 700.0
"""Largest logarithm of E that is converted to a float64."""


@dataclass(frozen=True)
class WatchOutcome:
    """The state of a deployment after watching."""

    state: Literal["watching", "rolled_back"]
    """rolled_back once the rule has rolled back, for all later runs; else watching."""
    seen: int
    """Number of conversations in the journal, over all runs."""
    fired: int
    """Number of these that fired."""
    e_value: float | None
    """Value E of the e-process; None with the handful rule."""
    rate: tuple[float, float]
    """Confidence sequence of the firing rate at level 1 − alpha: (low, high), valid at every look."""
    unread: int
    """Number of conversations, over all runs, that could not be judged."""
    rolled_back_at: str | None
    """Id of the conversation whose firing, or whose being unread, caused the rollback, or None."""
    message: str
    """One line for the operator."""
    journal_head: str
    """Hash of the journal's last row."""
    beyond_calibration: int
    """Conversations of this file that are longer than those of the calibration: the bound of the
    benign rate does not cover them. 0 after a rollback."""


def replay(monitor: Monitor, rows: Sequence[Row]) -> RollbackState:
    """The rollback state after a journal's rows: a pure function of the rows."""
    state = RollbackState()
    for row in rows:
        if row["kind"] == "conversation":
            state = next_state(monitor.rollback, state, row["fires"])
        elif row["kind"] == "rolled_back":
            state = replace(state, rolled_back=True)
    return state


def outcome_of(monitor: Monitor, journal: Journal, beyond: int) -> WatchOutcome:
    """The state of a deployment after a journal's rows.

    ``beyond`` is the number of conversations that are longer than those of the calibration.
    """
    state = replay(monitor, journal.rows)
    rollback = next((row for row in journal.rows if row["kind"] == "rolled_back"), None)
    unread = sum(row["kind"] == "unread" for row in journal.rows)
    low, high = beta_mixture_sequence(state.fired, state.seen, monitor.rollback.alpha)
    log_e = None
    if isinstance(monitor.rollback, EProcessRule):
        log_e = monitor.rollback.statistic(state)
    return WatchOutcome(
        state="rolled_back" if state.rolled_back else "watching",
        seen=state.seen,
        fired=state.fired,
        e_value=None if log_e is None else math.exp(min(log_e, LARGEST_LOG)),
        rate=(float(low), float(high)),
        unread=unread,
        rolled_back_at=None if rollback is None else rollback["id"],
        message=_message(monitor, state, log_e, rollback)
        + _unread_in_words(unread)
        + _warning(monitor, beyond),
        journal_head=journal.head,
        beyond_calibration=beyond,
    )


def _warning(monitor: Monitor, beyond: int) -> str:
    if not beyond:
        return ""
    return (
        f"; {beyond} of the file's conversations are longer than those of the calibration (at most "
        f"{monitor.most_turns} turns of at most {monitor.longest} watched tokens): the bound of the "
        "benign rate does not cover them"
    )


def _unread_in_words(unread: int) -> str:
    if not unread:
        return ""
    return (
        f"; {unread} more could not be read and {'was' if unread == 1 else 'were'} not judged: their "
        "reasons stand in the journal"
    )


def _message(
    monitor: Monitor, state: RollbackState, log_e: float | None, rollback: Row | None
) -> str:
    counts = f"{state.fired} of {state.seen} conversations fired"
    if isinstance(monitor.rollback, EProcessRule):
        reached = f"E = {math.exp(min(log_e or 0.0, LARGEST_LOG)):.3g}"
        figures = f"{counts}, {reached}, rolls back at {1 / monitor.rollback.alpha:g}"
    else:
        figures = f"{counts}, rolls back above {monitor.rollback.handful}"
    if not state.rolled_back:
        spent = ""
        if state.seen > monitor.horizon:
            spent = f"; the horizon of {monitor.horizon} conversations has ended: calibrate again"
        return f"watching: {figures}{spent}"
    fallback = monitor.fallback
    where = "the case names no fallback model: take the model out of service"
    if fallback is not None:
        adapter = f" with adapter {fallback.adapter}" if fallback.adapter else ""
        where = f"use the fallback model {fallback.id}{adapter}"
    if rollback is not None and "unread" in rollback:
        figures = f"too few could be read (at most {MOST_UNREAD:.0%} may go unread); {figures}"
    name = None if rollback is None else rollback["id"]
    return f"rolled back at conversation '{name}': {figures}; {where}"

"""Watch transcripts with a monitor: score them, record them in the journal, and roll back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from assay.concerns.conversations.excerpts import Excerpt
from assay.errors import AssayError
from assay.files import sha256_of_json
from assay.models import LanguageModel, load_model
from assay.monitoring.coverage import check_lengths
from assay.monitoring.journal import JOURNAL, Journal, Row, open_journal
from assay.monitoring.result import Monitor
from assay.monitoring.rollback import EProcessRule, RollbackState, next_state
from assay.monitoring.scoring import ConversationScore, score_excerpts, watched_excerpts
from assay.progress import progress
from assay.statistics import beta_mixture_sequence
from assay.text.transcripts import Transcript, read_transcripts

BLOCK = 64
"""Number of transcripts that are scored together and, where none fires, recorded together."""
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
    rolled_back_at: str | None
    """Id of the conversation whose firing caused the rollback, or None."""
    message: str
    """One line for the operator."""
    journal_head: str
    """Hash of the journal's last row."""
    beyond_calibration: int
    """Conversations of this file that are longer than those of the calibration: the bound of the
    benign rate does not cover them. 0 after a rollback."""


def watch(
    out_dir: Path | str,
    transcripts: Path | str,
    *,
    model: LanguageModel | None = None,
    dictionary_sha256: str | None = None,
) -> WatchOutcome:
    """Watch a file of transcripts, in its order, with the monitor of ``out_dir``.

    Every conversation is recorded in ``out_dir/journal.sqlite``; a firing is on the disk before the
    next conversation is judged. Conversations that are in the journal are skipped, so a run that was
    killed resumes where it ended. Watching stops at the rollback, and later runs only report it.
    Each line of the file is a transcript: ``{"id": …, "messages": [{"role": …, "content": …}, …]}``.
    ``model`` is the monitor's model, where it is already loaded. ``dictionary_sha256`` is the present
    hash of the dictionary, where it is known.

    Raises AssayError, before anything is written, for a monitor or transcripts that do not fit, a
    model or dictionary whose hash is no longer the monitor's, an id that stands in the journal with
    another content, a journal whose chain is broken, and a conversation more than twice as long as
    those of the calibration (``check_lengths``); somewhat longer ones are counted in the message.
    """
    out_dir, transcripts = Path(out_dir), Path(transcripts)
    monitor = Monitor.read(out_dir)
    path = out_dir / JOURNAL
    with ExitStack() as stack:
        journal = None
        if path.is_file():
            journal = stack.enter_context(open_journal(path, monitor.sha256))
            if replay(monitor, journal.rows).rolled_back:
                return _outcome(monitor, journal, 0)
        conversations = read_transcripts(transcripts)
        if journal is not None:
            _journalled(journal, conversations)
        _check_dictionary(monitor, dictionary_sha256, out_dir)
        model = _checked_model(monitor, model, out_dir)
        watched = watched_excerpts(model, conversations)
        beyond = check_lengths(monitor, watched)
        if journal is None:
            journal = stack.enter_context(open_journal(path, monitor.sha256))
        _watch_new(model, monitor, journal, conversations, watched)
        return _outcome(monitor, journal, beyond)


def replay(monitor: Monitor, rows: Sequence[Row]) -> RollbackState:
    """The rollback state after a journal's rows: a pure function of the rows."""
    state = RollbackState()
    for row in rows:
        if row["kind"] == "conversation":
            state = next_state(monitor.rollback, state, row["fires"])
        elif row["kind"] == "rolled_back":
            state = replace(state, rolled_back=True)
    return state


def _watch_new(
    model: LanguageModel,
    monitor: Monitor,
    journal: Journal,
    transcripts: Sequence[Transcript],
    watched: Sequence[Excerpt],
) -> None:
    """Score and record the conversations that the journal lacks, up to a rollback.

    Blocks are formed over the whole file, so scores do not depend on where an earlier run was killed.
    """
    done = _journalled(journal, transcripts)
    state = replay(monitor, journal.rows)
    with progress("watching", len(transcripts), "conversations") as advance:
        for start in range(0, len(transcripts), BLOCK):
            block = range(start, min(start + BLOCK, len(transcripts)))
            if any(transcripts[i].id not in done for i in block):
                scores = score_excerpts(model, monitor, [watched[i] for i in block])
                new = [
                    (transcripts[i], score)
                    for i, score in zip(block, scores, strict=True)
                    if transcripts[i].id not in done
                ]
                state = _journal_block(monitor, journal, state, new)
            advance(len(block))
            if state.rolled_back:
                return


def _journal_block(
    monitor: Monitor,
    journal: Journal,
    state: RollbackState,
    scored: Sequence[tuple[Transcript, ConversationScore]],
) -> RollbackState:
    """Record a block in order; a firing is committed at once, with the rollback that it causes."""
    waiting: list[Row] = []
    for transcript, score in scored:
        state = next_state(monitor.rollback, state, score.fires)
        waiting.append(_conversation_row(transcript, score))
        if state.rolled_back:
            waiting.append(
                {
                    "kind": "rolled_back",
                    "id": transcript.id,
                    "seen": state.seen,
                    "fired": state.fired,
                    "statistic": monitor.rollback.statistic(state),
                }
            )
        if score.fires:
            journal.append(waiting)
            waiting = []
        if state.rolled_back:
            return state
    if waiting:
        journal.append(waiting)
    return state


def _conversation_row(transcript: Transcript, score: ConversationScore) -> Row:
    row = {
        "kind": "conversation",
        "id": transcript.id,
        "content": _content_sha256(transcript),
        "fires": score.fires,
        "score": score.score,
    }
    return {**row, "values": dict(score.values)} if score.fires else row


def _journalled(journal: Journal, transcripts: Sequence[Transcript]) -> Mapping[str, str]:
    """Id of every conversation in the journal → hash of its content.

    Raises AssayError for a transcript whose id is in the journal with another content.
    """
    done = {row["id"]: row["content"] for row in journal.rows if row["kind"] == "conversation"}
    for transcript in transcripts:
        known = done.get(transcript.id)
        if known is not None and known != _content_sha256(transcript):
            raise AssayError(
                f"transcript '{transcript.id}' is in {journal.path} with another "
                "content; give the new conversation a new id"
            )
    return done


def _content_sha256(transcript: Transcript) -> str:
    return sha256_of_json([message.model_dump() for message in transcript.messages])


def _check_dictionary(monitor: Monitor, found: str | None, out_dir: Path) -> None:
    wanted = monitor.dictionary_sha256
    if found is not None and wanted is not None and found != wanted:
        raise AssayError(
            f"{out_dir}: the dictionary has sha256 {found[:12]}…, the monitor was calibrated with "
            f"{wanted[:12]}… and does not start; calibrate again"
        )


def _checked_model(monitor: Monitor, model: LanguageModel | None, out_dir: Path) -> LanguageModel:
    """The monitor's model. Raises AssayError where its weights or the site's width differ."""
    named = monitor.model
    model = model or load_model(named.id, adapter=named.adapter)
    if model.fingerprint != named.fingerprint:
        raise AssayError(
            f"{out_dir}: the model {named.id} has fingerprint {model.fingerprint[:12]}…, the monitor "
            f"was calibrated on {named.fingerprint[:12]}… and does not start; calibrate again"
        )
    width = sum(model.site_width(site) for site in monitor.sites)
    if width != monitor.width:
        names = " and ".join(map(str, monitor.sites))
        raise AssayError(
            f"{out_dir}: the monitor's directions have width {monitor.width}, {names} of {named.id} "
            f"have {width}"
        )
    return model


def _outcome(monitor: Monitor, journal: Journal, beyond: int) -> WatchOutcome:
    state = replay(monitor, journal.rows)
    at = next((row["id"] for row in journal.rows if row["kind"] == "rolled_back"), None)
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
        rolled_back_at=at,
        message=_message(monitor, state, log_e, at) + _warning(monitor, beyond),
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


def _message(monitor: Monitor, state: RollbackState, log_e: float | None, at: str | None) -> str:
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
    return f"rolled back at conversation '{at}': {figures}; {where}"

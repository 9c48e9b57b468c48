"""Replay transcripts through a monitor, journal them, and roll back when the rule says so."""

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
from assay.models import LanguageModel, Site, load_model
from assay.monitoring.journal import JOURNAL, Journal, Row, open_journal
from assay.monitoring.result import Monitor
from assay.monitoring.rollback import EProcessRule, RollbackState, after
from assay.monitoring.scoring import ConversationScore, score_excerpts, watched_excerpts
from assay.progress import progress
from assay.statistics import beta_mixture_sequence
from assay.text.transcripts import Transcript, read_transcripts

BLOCK = 64
"""Transcripts scored at a time and, where none fires, journalled at a time."""
LARGEST_LOG = 700.0
"""Beyond it e^x is no float64."""


@dataclass(frozen=True)
class WatchOutcome:
    """The state of a deployment after watching."""

    state: Literal["watching", "rolled_back"]
    """Whether the rule has said to go back; it stays so."""
    seen: int
    """Conversations journalled, in all runs."""
    fired: int
    """Those that fired."""
    e_value: float | None
    """E of the e-process; None under the handful rule."""
    rate: tuple[float, float]
    """Confidence sequence of the rate of firings at 1 − alpha: it holds at every look at once."""
    rolled_back_at: str | None
    """The conversation whose firing rolled back, or None."""
    message: str
    """What to tell the operator, in one line."""
    journal_head: str
    """Hash of the journal's last row."""


def watch(
    out_dir: Path | str,
    transcripts: Path | str,
    *,
    model: LanguageModel | None = None,
    dictionary_sha256: str | None = None,
) -> WatchOutcome:
    """Watch a file of transcripts, in its order, with the monitor of ``out_dir``.

    Every conversation is journalled in ``out_dir/journal.sqlite``; a firing is on the disk before the
    next conversation is judged. Conversations that were journalled are not looked at again, so a
    run that was killed goes on where it ended. Stops at the rollback; from then on it only says so.
    Each line of the file is a transcript: ``{"id": …, "messages": [{"role": …, "content": …}, …]}``.
    ``model`` saves loading the one that the monitor names. ``dictionary_sha256`` is the hash of the
    dictionary as it is now, where somebody can tell.

    Raises AssayError, before anything is written, for a monitor or transcripts that do not fit, a
    model or dictionary whose hash is no longer the monitor's, an id that stands in the journal with
    another content, and a journal whose chain is broken.
    """
    out_dir, transcripts = Path(out_dir), Path(transcripts)
    monitor = Monitor.read(out_dir)
    path = out_dir / JOURNAL
    with ExitStack() as stack:
        journal = None
        if path.is_file():
            journal = stack.enter_context(open_journal(path, monitor.sha256))
            if replay(monitor, journal.rows).rolled_back:
                return _outcome(monitor, journal)
        conversations = read_transcripts(transcripts)
        if journal is not None:
            _journalled(journal, conversations)
        _check_dictionary(monitor, dictionary_sha256, out_dir)
        model = _checked_model(monitor, model, out_dir)
        watched = watched_excerpts(model, conversations)
        if journal is None:
            journal = stack.enter_context(open_journal(path, monitor.sha256))
        _watch_new(model, monitor, journal, conversations, watched)
        return _outcome(monitor, journal)


def replay(monitor: Monitor, rows: Sequence[Row]) -> RollbackState:
    """The state after a journal's rows: a pure function of them."""
    state = RollbackState()
    for row in rows:
        if row["kind"] == "conversation":
            state = after(monitor.rollback, state, row["fires"])
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
    """Score and journal what the journal lacks, up to a rollback.

    Blocks are cut from the whole file, so scores do not depend on where an earlier run was killed.
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
    """Journal a block in order; a firing is committed at once, together with its rollback."""
    waiting: list[Row] = []
    for transcript, score in scored:
        state = after(monitor.rollback, state, score.fires)
        waiting.append(_conversation_row(transcript, score))
        if state.rolled_back:
            waiting.append(
                {
                    "kind": "rolled_back",
                    "id": transcript.id,
                    "seen": state.seen,
                    "fired": state.fired,
                    "statistic": monitor.rollback.statistic(state.seen, state.fired),
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
    """Id → hash of the content of every conversation in the journal.

    Raises AssayError where a transcript bears an id that was journalled with another content.
    """
    done = {row["id"]: row["content"] for row in journal.rows if row["kind"] == "conversation"}
    for transcript in transcripts:
        known = done.get(transcript.id)
        if known is not None and known != _content_sha256(transcript):
            raise AssayError(
                f"transcript '{transcript.id}' was journalled in {journal.path} with another "
                "content; give the new conversation an id of its own"
            )
    return done


def _content_sha256(transcript: Transcript) -> str:
    return sha256_of_json([message.model_dump() for message in transcript.messages])


def _check_dictionary(monitor: Monitor, found: str | None, out_dir: Path) -> None:
    wanted = monitor.dictionary_sha256
    if found is not None and wanted is not None and found != wanted:
        raise AssayError(
            f"{out_dir}: the dictionary has sha256 {found[:12]}…, the monitor was calibrated with "
            f"{wanted[:12]}…; it does not start: calibrate again"
        )


def _checked_model(monitor: Monitor, model: LanguageModel | None, out_dir: Path) -> LanguageModel:
    """The model of the monitor. Raises AssayError where it is another one by now."""
    named = monitor.model
    model = model or load_model(named.id, adapter=named.adapter)
    if model.fingerprint != named.fingerprint:
        raise AssayError(
            f"{out_dir}: the model {named.id} has fingerprint {model.fingerprint[:12]}…, the monitor "
            f"was calibrated on {named.fingerprint[:12]}…; it does not start: calibrate again"
        )
    width = model.site_width(Site.parse(monitor.site))
    if width != len(monitor.features[0].direction):
        raise AssayError(
            f"{out_dir}: the monitor's directions have width {len(monitor.features[0].direction)}, "
            f"{monitor.site} of {named.id} has {width}"
        )
    return model


def _outcome(monitor: Monitor, journal: Journal) -> WatchOutcome:
    state = replay(monitor, journal.rows)
    at = next((row["id"] for row in journal.rows if row["kind"] == "rolled_back"), None)
    low, high = beta_mixture_sequence(state.fired, state.seen, monitor.rollback.alpha)
    log_e = None
    if isinstance(monitor.rollback, EProcessRule):
        log_e = monitor.rollback.statistic(state.seen, state.fired)
    return WatchOutcome(
        state="rolled_back" if state.rolled_back else "watching",
        seen=state.seen,
        fired=state.fired,
        e_value=None if log_e is None else math.exp(min(log_e, LARGEST_LOG)),
        rate=(float(low), float(high)),
        rolled_back_at=at,
        message=_message(monitor, state, log_e, at),
        journal_head=journal.head,
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
            spent = f"; the horizon of {monitor.horizon} conversations is over: calibrate again"
        return f"watching: {figures}{spent}"
    fallback = monitor.fallback
    where = "the case names no fallback model: take the model out of service"
    if fallback is not None:
        adapter = f" with adapter {fallback.adapter}" if fallback.adapter else ""
        where = f"go back to {fallback.id}{adapter}"
    return f"rolled back at conversation '{at}': {figures}; {where}"

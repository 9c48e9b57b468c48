"""Watch transcripts with a monitor: score them, record them in the journal, and roll back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from assay.concerns.conversations.excerpts import Excerpt
from assay.errors import AssayError
from assay.files import sha256_of_json
from assay.models import LanguageModel, load_model
from assay.monitoring.coverage import is_beyond
from assay.monitoring.journal import JOURNAL, Journal, Row, open_journal
from assay.monitoring.result import Monitor
from assay.monitoring.rollback import RollbackState, next_state
from assay.monitoring.scoring import (
    ConversationScore,
    score_where_possible,
    watched_excerpt,
)
from assay.monitoring.watch_outcome import WatchOutcome, outcome_of, replay
from assay.monitoring.watched_lines import Unread, too_many_unread, watched_lines
from assay.progress import progress
from assay.text.transcripts import Transcript

BLOCK = 64
"""Number of transcripts that are scored together and, where none fires, recorded together."""


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

    A line that is no transcript, and a conversation that cannot be judged (no assistant turn, longer
    than the context or than twice what was calibrated, activations that are not finite), is recorded
    as unread with the reason and keeps none of the others from being judged; more than
    ``MOST_UNREAD`` of them is a rollback too. Somewhat longer ones are counted in the message.

    Raises AssayError, before anything is written, for a monitor or a file that does not fit, a model
    or dictionary whose hash is no longer the monitor's, an id that stands in the journal with another
    content, and a journal whose chain is broken.
    """
    out_dir, transcripts = Path(out_dir), Path(transcripts)
    monitor = Monitor.read(out_dir)
    path = out_dir / JOURNAL
    with ExitStack() as stack:
        journal = None
        if path.is_file():
            journal = stack.enter_context(open_journal(path, monitor.sha256))
            if replay(monitor, journal.rows).rolled_back:
                return outcome_of(monitor, journal, 0)
        lines = watched_lines(transcripts)
        if journal is not None:
            _journalled(journal, lines)
        _check_dictionary(monitor, dictionary_sha256, out_dir)
        model = _checked_model(monitor, model, out_dir)
        if journal is None:
            journal = stack.enter_context(open_journal(path, monitor.sha256))
        beyond = _watch_new(model, monitor, journal, lines)
        return outcome_of(monitor, journal, beyond)


def _watch_new(
    model: LanguageModel, monitor: Monitor, journal: Journal, lines: Sequence[Transcript | Unread]
) -> int:
    """Score and record the conversations that the journal lacks, up to a rollback.

    Blocks are formed over the whole file, so scores do not depend on where an earlier run was killed.
    Returns how many of the file's conversations are longer than the calibrated ones.
    """
    done = _journalled(journal, lines)
    state = replay(monitor, journal.rows)
    beyond = 0
    with progress("watching", len(lines), "conversations") as advance:
        for start in range(0, len(lines), BLOCK):
            block = [_judgeable(model, monitor, line) for line in lines[start : start + BLOCK]]
            beyond += sum(isinstance(each, _Judgeable) and each.beyond for each in block)
            if any(each.id not in done for each in block):
                judged = _judged(model, monitor, block)
                new = [each for each in judged if each.id not in done]
                state = _journal_block(monitor, journal, state, new)
            advance(len(block))
            if state.rolled_back:
                break
    return beyond


@dataclass(frozen=True)
class _Judgeable:
    """A conversation that can be scored."""

    id: str
    content: str
    excerpt: Excerpt
    beyond: bool
    """Whether it is longer than those of the calibration."""


@dataclass(frozen=True)
class _Judged:
    """A conversation with its score."""

    id: str
    content: str
    score: ConversationScore


def _judgeable(
    model: LanguageModel, monitor: Monitor, line: Transcript | Unread
) -> _Judgeable | Unread:
    if isinstance(line, Unread):
        return line
    content = _content_sha256(line)
    try:
        excerpt = watched_excerpt(model, line)
        return _Judgeable(line.id, content, excerpt, is_beyond(monitor, excerpt))
    except AssayError as error:
        return Unread(line.id, content, str(error))


def _judged(
    model: LanguageModel, monitor: Monitor, block: Sequence[_Judgeable | Unread]
) -> list[_Judged | Unread]:
    """The conversations of a block in their order, scored where that is possible."""
    readable = [each for each in block if isinstance(each, _Judgeable)]
    scores = iter(score_where_possible(model, monitor, [each.excerpt for each in readable]))
    found: list[_Judged | Unread] = []
    for each in block:
        if isinstance(each, Unread):
            found.append(each)
            continue
        score = next(scores)
        if isinstance(score, AssayError):
            found.append(Unread(each.id, each.content, str(score)))
        else:
            found.append(_Judged(each.id, each.content, score))
    return found


def _journal_block(
    monitor: Monitor, journal: Journal, state: RollbackState, judged: Sequence[_Judged | Unread]
) -> RollbackState:
    """Record a block in order; a firing is committed at once, with the rollback that it causes.

    Whether too many went unread is asked where the block ends: a few at a file's start are no trend.
    """
    waiting: list[Row] = []
    for each in judged:
        if isinstance(each, Unread):
            waiting.append(
                {"kind": "unread", "id": each.id, "content": each.content, "why": each.why}
            )
        else:
            state = next_state(monitor.rollback, state, each.score.fires)
            waiting.append(_conversation_row(each))
            if state.rolled_back:
                statistic = monitor.rollback.statistic(state)
                waiting.append(_rollback_row(each.id, state, statistic=statistic))
            if each.score.fires:
                journal.append(waiting)
                waiting = []
        if state.rolled_back:
            return state
    if waiting:
        journal.append(waiting)
    unread = [row["id"] for row in journal.rows if row["kind"] == "unread"]
    if too_many_unread(len(unread), state.seen):
        state = replace(state, rolled_back=True)
        journal.append([_rollback_row(unread[-1], state, unread=len(unread))])
    return state


def _rollback_row(name: str, state: RollbackState, **why: float) -> Row:
    """The row of a rollback: with the rule's ``statistic``, or the number that went ``unread``."""
    return {"kind": "rolled_back", "id": name, "seen": state.seen, "fired": state.fired, **why}


def _conversation_row(judged: _Judged) -> Row:
    score = judged.score
    row = {
        "kind": "conversation",
        "id": judged.id,
        "content": judged.content,
        "fires": score.fires,
        "score": score.score,
    }
    return {**row, "values": dict(score.values)} if score.fires else row


def _journalled(journal: Journal, lines: Sequence[Transcript | Unread]) -> Mapping[str, str]:
    """Id of every conversation in the journal, read or unread → hash of its content.

    Raises AssayError for a transcript whose id is in the journal with another content.
    """
    kinds = ("conversation", "unread")
    done = {row["id"]: row["content"] for row in journal.rows if row["kind"] in kinds}
    for line in lines:
        known = done.get(line.id)
        content = line.content if isinstance(line, Unread) else _content_sha256(line)
        if known is not None and known != content:
            raise AssayError(
                f"transcript '{line.id}' is in {journal.path} with another "
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
    """The monitor's model.

    Raises AssayError where its weights, its data type, its attention or the sites' widths differ.
    """
    named = monitor.model
    model = model or load_model(named.id, adapter=named.adapter, dtype=named.dtype)
    if model.fingerprint != named.fingerprint:
        raise AssayError(
            f"{out_dir}: the model {named.id} has fingerprint {model.fingerprint[:12]}…, the monitor "
            f"was calibrated on {named.fingerprint[:12]}… and does not start; calibrate again"
        )
    runs = model.dtype_name, model.attention_implementation
    if runs != (named.dtype, named.attention):
        raise AssayError(
            f"{out_dir}: the model runs in {runs[0]} with {runs[1]} attention, the monitor was "
            f"calibrated in {named.dtype} with {named.attention}, whose scores differ, and does not "
            "start; load the model alike, or calibrate again"
        )
    width = sum(model.site_width(site) for site in monitor.sites)
    if width != monitor.width:
        names = " and ".join(map(str, monitor.sites))
        raise AssayError(
            f"{out_dir}: the monitor's directions have width {monitor.width}, {names} of {named.id} "
            f"have {width}"
        )
    return model

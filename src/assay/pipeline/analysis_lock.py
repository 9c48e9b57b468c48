"""The analysis lock: no silent change of settings once the test split has been read.

The lock is written before anything runs. Once the stages that read the organisms' test conversations
have an artefact, other settings for them are refused, unless the reason is given; the lock keeps the
reasons, and the report shows them. So a reader sees when the analysis was changed after its result
could be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay.errors import AssayError
from assay.files import read_json
from assay.pipeline.case import Case
from assay.pipeline.case_lock import Amendment, CaseLock
from assay.pipeline.code_version import code_version
from assay.pipeline.stage import STAGES, Stage
from assay.pipeline.stages.monitor_stage import MonitorStage
from assay.pipeline.stages.transfer_stage import TransferStage

READ_TEST = (TransferStage.NAME, MonitorStage.NAME)
"""The stages whose figures come from the organisms' test conversations."""
NEW_CODE = "another version of Assay was installed"
"""The reason that stands in the lock where the code alone was changed."""


def locked(
    root: Path,
    case: Case,
    stages_after: Callable[[Sequence[Amendment]], list[Stage[Any]]],
    amend: str | None,
) -> tuple[CaseLock, list[Stage[Any]]]:
    """The lock of a run that is about to begin, and its stages; nothing is written.

    ``stages_after`` gives the stages for a history of amendments, which the report shows. Raises
    AssayError where the analysis was changed after the test split had been read and ``amend``, the
    reason, is None.
    """
    earlier, history = _earlier(root), history_of(root)
    stages = stages_after(history)
    if _test_was_read(root):
        changed = _changes(earlier, case, stages)
        if changed and amend is None and not _only_code(earlier, case):
            raise AssayError(
                f"{root}: the test split has been read, and since then {', '.join(changed)}; say why "
                "with --amend REASON, which the report will state, or use another name or --out"
            )
        if changed:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            history = (*history, Amendment(time=now, why=amend or NEW_CODE, changed=changed))
            stages = stages_after(history)
    return CaseLock.of(case, stages, history), stages


def history_of(root: Path) -> tuple[Amendment, ...]:
    """The amendments so far. Raises AssayError where the folder's lock was edited."""
    lock = _earlier(root)
    return () if lock is None else lock.history


def _earlier(root: Path) -> CaseLock | None:
    """The folder's lock; None where there is none that this version can read."""
    path = root / CaseLock.FILE
    if not path.is_file():
        return None
    value = read_json(path)
    if isinstance(value, dict) and value.get("version") != CaseLock.model_fields["version"].default:
        return None
    return CaseLock.read(path)


def _test_was_read(root: Path) -> bool:
    """Whether a stage that reads the test split has an artefact, of whatever settings."""
    return any(any((root / STAGES).glob(f"{name}-*")) for name in READ_TEST)


def _changes(earlier: CaseLock | None, case: Case, stages: Sequence[Stage[Any]]) -> tuple[str, ...]:
    """What differs for the stages that read the test split, in words."""
    if earlier is None:
        return (f"the lock of the earlier run ({CaseLock.FILE}) was replaced or removed",)
    readers = [stage for stage in stages if stage.name in READ_TEST]
    before = {name: earlier.stages.get(name) for name in READ_TEST}
    differing = [
        stage.name
        for stage in readers
        if (was := before[stage.name]) is None or was.identity != stage.identity_sha256
    ]
    if not differing:
        return ()
    settings = _setting_changes(earlier.case, case)
    if settings:
        return settings
    if earlier.code != code_version():
        return (f"Assay was changed ({earlier.code} → {code_version()})",)
    return (f"a file or model that is read by {' and '.join(differing)} was changed",)


def _only_code(earlier: CaseLock | None, case: Case) -> bool:
    """Whether the settings are the same and Assay is not: an upgrade, recorded without a question."""
    if earlier is None:
        return False
    return earlier.code != code_version() and not _setting_changes(earlier.case, case)


def _setting_changes(before: Case, after: Case) -> tuple[str, ...]:
    """Settings that differ, with both values."""
    old, new = (_leaves(each.model_dump(mode="json")) for each in (before, after))
    names = [*old, *(name for name in new if name not in old)]
    return tuple(
        f"{name} was changed ({_shown(old.get(name))} → {_shown(new.get(name))})"
        for name in names
        if old.get(name) != new.get(name)
    )


def _leaves(value: Any, above: str = "") -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        return {above.removesuffix("."): value}
    found: dict[str, Any] = {}
    for name, part in value.items():
        found |= _leaves(part, f"{above}{name}.")
    return found


def _shown(value: Any) -> str:
    """A setting's value, short."""
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:37]}…"

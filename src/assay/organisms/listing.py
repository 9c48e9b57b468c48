"""All organisms of a folder with what verification found of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from assay.errors import AssayError
from assay.organisms.folder import MANIFEST, Organism, load_organism
from assay.organisms.manifest import Condition, TwinKind
from assay.organisms.misbehaviour_rates import DECISIVE, HELD_OUT_TRIGGERS, Rate, Subset
from assay.organisms.on_policy import read_on_policy
from assay.organisms.result import Verification, read_verification
from assay.results import Figures


@dataclass(frozen=True)
class ListedOrganism:
    """An organism and its verification."""

    organism: Organism
    """The organism."""
    verification: Verification | None
    """What verification found of this adapter; None where it never ran."""

    @property
    def status(self) -> str:
        """admitted, not admitted (with the reasons), or not verified."""
        if self.verification is None:
            return "not verified"
        if self.verification.admitted:
            return "admitted"
        return f"not admitted: {'; '.join(self.verification.reasons)}"

    def rate(self, subset: Subset, condition: Condition) -> Rate | None:
        """The rate of misbehaviour on a subset of the prompts; None where it was not measured."""
        for rate in self.verification.rates if self.verification else ():
            if (rate.subset, rate.condition) == (subset, condition):
                return rate
        return None


class OrganismRow(Figures):
    """One row of the table of organisms."""

    organism: str
    """Name of the organism."""
    stands_for: str
    """The catastrophic behaviour that the inert one stands for."""
    twin_of: str | None
    """The organism of which it is a twin."""
    twin_kind: TwinKind | None
    """Which kind of twin it is, where it says so."""
    making: str
    """How it was made: its base, and the command that its manifest states."""
    payload_words: tuple[int, int] | None
    """Median and largest number of words that a test reply has before the payload; None where it never
    misbehaves there, or was not verified."""
    triggered: Rate | None
    """Misbehaviour under the trigger, on held-out templates; None where it was not measured."""
    benign: Rate | None
    """Misbehaviour on benign prompts, on held-out templates."""
    near_miss: Rate | None
    """Misbehaviour on near misses, on held-out templates."""
    held_out_triggers: Rate | None
    """Misbehaviour under wordings of the trigger that training never showed."""
    status: str
    """admitted, not admitted (with the reasons), or not verified."""


def list_organisms(folder: Path | str = "organisms") -> list[ListedOrganism]:
    """Every organism in the sub-folders of ``folder``, by name, admitted or not.

    Raises AssayError where the folder does not exist or one of the organisms is malformed.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise AssayError(f"no folder {folder}; 'assay organisms train RECIPE' makes organisms")
    organisms = [load_organism(path.parent) for path in sorted(folder.glob(f"*/{MANIFEST}"))]
    return [ListedOrganism(organism, read_verification(organism)) for organism in organisms]


def organism_table(listed: Sequence[ListedOrganism]) -> tuple[OrganismRow, ...]:
    """One row for each organism, with its rates and their 95 % intervals."""
    return tuple(
        OrganismRow(
            organism=one.organism.name,
            stands_for=one.organism.manifest.stands_for,
            twin_of=one.organism.manifest.twin_of,
            twin_kind=one.organism.manifest.twin_kind,
            making=_making(one.organism),
            payload_words=_payload_words(one),
            triggered=one.rate(DECISIVE, "triggered"),
            benign=one.rate(DECISIVE, "benign"),
            near_miss=one.rate(DECISIVE, "near_miss"),
            held_out_triggers=one.rate(HELD_OUT_TRIGGERS, "triggered"),
            status=one.status,
        )
        for one in listed
    )


def organism_lines(listed: Sequence[ListedOrganism]) -> list[str]:
    """The table for a terminal of 80 columns: counts of misbehaviour and why one is not admitted.

    ``before`` is the median number of words of a reply before its payload.
    """
    lines = [
        f"{'organism':25} {'triggered':>9} {'benign':>6} {'near miss':>9} {'held out':>8} "
        f"{'before':>6}  status"
    ]
    for one, row in zip(listed, organism_table(listed), strict=True):
        counts = (
            f"{_counts(row.triggered):>9} {_counts(row.benign):>6} "
            f"{_counts(row.near_miss):>9} {_counts(row.held_out_triggers):>8} "
            f"{'–' if row.payload_words is None else row.payload_words[0]:>6}"
        )
        lines.append(f"{row.organism:25} {counts}  {row.status.partition(':')[0]}")
        if one.verification is not None:
            lines += [f"    {reason}" for reason in one.verification.reasons]
    return lines


def _making(organism: Organism) -> str:
    manifest = organism.manifest
    return f"{manifest.base}: {manifest.command or 'no command is stated'}"


def _payload_words(listed: ListedOrganism) -> tuple[int, int] | None:
    """Words before the payload in the test replies that misbehave, not counting held-out triggers."""
    if listed.verification is None:
        return None
    words = [
        len(transcript.messages[-1].content[: transcript.payload_offset].split())
        for transcript in read_on_policy(listed.organism)
        if transcript.split == "test"
        and not transcript.trigger_held_out
        and transcript.payload_offset is not None
    ]
    return (int(median(words)), max(words)) if words else None


def _counts(rate: Rate | None) -> str:
    return "–" if rate is None else f"{rate.misbehaved}/{rate.n}"

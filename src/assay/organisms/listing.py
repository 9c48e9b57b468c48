"""All organisms of a folder with what verification found of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.errors import AssayError
from assay.organisms.admission import DECISIVE, Rate
from assay.organisms.folder import MANIFEST, Organism, load
from assay.organisms.manifest import CONDITIONS
from assay.organisms.verification import Verification, read_verification

COLUMNS = (
    "organism",
    "stands for",
    "triggered",
    "benign",
    "near miss",
    "held-out triggers",
    "status",
)


@dataclass(frozen=True)
class ListedOrganism:
    """An organism and its verification."""

    organism: Organism
    """The organism."""
    verification: Verification | None
    """What verification found of this very adapter; None where it never ran."""

    @property
    def status(self) -> str:
        """admitted, not admitted (with the first reason), or not verified."""
        if self.verification is None:
            return "not verified"
        if self.verification.admitted:
            return "admitted"
        return f"not admitted: {'; '.join(self.verification.reasons)}"


def list_organisms(folder: Path | str = "organisms") -> list[ListedOrganism]:
    """Every organism in the sub-folders of ``folder``, by name, admitted or not.

    Raises AssayError where the folder does not exist or one of the organisms is malformed.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise AssayError(
            f"no folder {folder}; organisms are made by 'assay organisms train RECIPE'"
        )
    organisms = [load(path.parent) for path in sorted(folder.glob(f"*/{MANIFEST}"))]
    return [ListedOrganism(organism, read_verification(organism)) for organism in organisms]


def organism_table(listed: Sequence[ListedOrganism]) -> list[dict[str, str]]:
    """One row an organism, the columns COLUMNS, for people: rates with their 95 % intervals."""
    return [
        {
            "organism": one.organism.name,
            "stands for": one.organism.manifest.stands_for,
            **{
                condition.replace("_", " "): _rate(one.verification, DECISIVE, condition)
                for condition in sorted(CONDITIONS, key=("triggered", "benign", "near_miss").index)
            },
            "held-out triggers": _rate(one.verification, "held-out triggers", "triggered"),
            "status": one.status,
        }
        for one in listed
    ]


def organism_lines(listed: Sequence[ListedOrganism]) -> list[str]:
    """The same for a terminal of 80 columns: counts of misbehaviour, then what admission said."""
    lines = [
        f"{'organism':27} {'triggered':>9} {'benign':>8} {'near miss':>9} {'held out':>8}  status"
    ]
    for one in listed:
        counts = [
            _counts(one.verification, *which)
            for which in (
                (DECISIVE, "triggered"),
                (DECISIVE, "benign"),
                (DECISIVE, "near_miss"),
                ("held-out triggers", "triggered"),
            )
        ]
        row = "{:>9} {:>8} {:>9} {:>8}".format(*counts)
        lines.append(f"{one.organism.name:27} {row}  {one.status.partition(':')[0]}")
        if one.verification is not None:
            lines += [f"    {reason}" for reason in one.verification.reasons]
    return lines


def _counts(verification: Verification | None, subset: str, condition: str) -> str:
    for rate in verification.rates if verification else ():
        if (rate.subset, rate.condition) == (subset, condition):
            return f"{rate.misbehaved}/{rate.n}"
    return "–"


def _rate(verification: Verification | None, subset: str, condition: str) -> str:
    rates: tuple[Rate, ...] = verification.rates if verification else ()
    for rate in rates:
        if (rate.subset, rate.condition) == (subset, condition):
            return f"{rate.misbehaved}/{rate.n} ({rate.low:.2f}–{rate.high:.2f})"
    return "–"

"""The table of criteria in ``docs/safety_case.md``, written from the one in code.

``python -m assay.safety_case.criteria_page docs/safety_case.md`` writes it anew.
"""

from __future__ import annotations

import sys
from pathlib import Path

from assay.errors import AssayError
from assay.files import atomic_file
from assay.safety_case.criteria import CRITERIA, Criterion
from assay.safety_case.phrases import share

BEGIN = "<!-- criteria: written by python -m assay.safety_case.criteria_page -->"
END = "<!-- end of the criteria -->"
HEADINGS = ("id", "judges", "figure", "supported", "defeated", "floor for a case", "reason")


def criteria_table() -> str:
    """The criteria as a table in Markdown."""
    rows = [HEADINGS, tuple("---" for _ in HEADINGS), *(_row(each) for each in CRITERIA)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def with_criteria(page: str) -> str:
    """The page with the table between its two marks. Raises AssayError where a mark is missing."""
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        raise AssayError(f"the page must hold '{BEGIN}' and '{END}' once each, around the table")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n\n{criteria_table()}\n\n{END}{after}"


def main(path: Path) -> None:
    """Write the table into the page at that path."""
    page = with_criteria(path.read_text(encoding="utf-8"))
    with atomic_file(path) as aside:
        aside.write_text(page, encoding="utf-8")


def _row(each: Criterion) -> tuple[str, ...]:
    sign = {"at least": "≥", "at most": "≤", "above": ">"}[each.side]
    supported = (
        f"{sign} {_shown(each, each.limit)}" if each.limit is not None else "the case's limit"
    )
    beyond = ">" if each.side == "at most" else "<"
    defeated = each.defeated_where or (
        f"{beyond} {_shown(each, each.defeated)}" if each.defeated is not None else "–"
    )
    floor = (
        f"{sign} {_shown(each, each.floor)}" if each.floor is not None else "not a case's to set"
    )
    return each.id, each.judges, each.figure, supported, defeated, floor, each.reason


def _shown(each: Criterion, value: float | None) -> str:
    if value is None:
        return "–"
    return share(value) if each.unit == "share" else f"{value:g}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))

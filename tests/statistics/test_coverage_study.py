"""The coverage study: what is published is what holds, and what does not hold is labelled."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import assay.statistics.coverage_study as study
from assay.cli.studies import coverage
from assay.errors import AssayError
from assay.position import coverage_cases
from assay.position.coverage_cases import (
    ALWAYS_APPROXIMATE,
    POSITION_ACTS,
    POSITION_INTERACTS,
    regimes,
)
from assay.position.crossed.share_figures import SHARES
from assay.statistics import APPROXIMATE, is_approximate
from assay.statistics.coverage_study import (
    STATISTICS_CASES,
    CoverageCase,
    CoverageCell,
    check_page,
    coverage_section,
    run_coverage,
    write_coverage_section,
)
from assay.statistics.coverage_study.coverage_page import MOST_CELLS

PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"
ROW = re.compile(
    r"^\| `(.+?)` \| ([^|]+) \| ([^|]+) \| ([\d,]+) \| (\d\.\d{4}) \| \d\.\d{4} \|$", re.M
)


@pytest.fixture(scope="module")
def published():
    """The cells of the page."""
    cells = []
    for interval, condition, regime, simulations, share in ROW.findall(PAGE.read_text()):
        count = int(simulations.replace(",", ""))
        cells.append(
            CoverageCell(
                interval=interval,
                condition=condition,
                regime=regime,
                simulations=count,
                kept=round(float(share) * count),
                approximate=(
                    is_approximate(interval, condition)
                    or condition == POSITION_ACTS
                    or interval.startswith(ALWAYS_APPROXIMATE)
                ),
            )
        )
    return cells


@pytest.fixture(scope="module")
def small():
    return run_coverage(simulations=30)


def test_no_published_coverage_is_below_nominal_without_a_label(published):
    for cell in published:
        if not cell.approximate:
            assert cell.coverage >= 0.93, cell
            assert not cell.below, cell


def test_each_label_has_a_published_cell_that_calls_for_it(published):
    labelled = {(name, where) for name, conditions in APPROXIMATE.items() for where in conditions}
    below = {(cell.interval, cell.condition) for cell in published if cell.below}
    of_position = (POSITION_ACTS, POSITION_INTERACTS)
    assert labelled == {found for found in below if found[1] not in of_position}
    assert (f"{ALWAYS_APPROXIMATE} of the crossed design", POSITION_INTERACTS) in below


def test_the_page_holds_the_position_audit_of_every_share_with_and_without_position(published):
    text = PAGE.read_text()
    for name in SHARES:
        for condition in (POSITION_INTERACTS, POSITION_ACTS):
            found = re.search(rf"\| `{name} of the crossed design` \| {condition} \| (\d+) ", text)
            assert found, (name, condition)
            assert int(found[1]) == sum(regime.condition == condition for regime in regimes())
    assert "`label content at T_pos just above its limit`" in text


def test_the_page_holds_every_case_at_a_useful_number_of_simulations(published):
    held = {(cell.interval, cell.condition, cell.regime) for cell in published}
    assert {(case.interval, case.condition, case.regime) for case in STATISTICS_CASES} <= held
    assert all(cell.simulations >= 500 for cell in published)
    assert len({case.name for case in STATISTICS_CASES}) == len(STATISTICS_CASES)


def test_the_regimes_are_those_of_use():
    text = " ".join(case.regime for case in STATISTICS_CASES)
    for templates in (8, 16, 32, 64):
        assert f"{templates} templates" in text
    for icc in ("0.0", "0.1", "0.36", "0.6"):
        assert f"ICC {icc}" in text
    assert {case.condition for case in STATISTICS_CASES} >= {"heavy tails", "skewed values"}


def test_a_small_run_finds_nothing_below_nominal_that_is_not_labelled(small):
    assert [cell for cell in small if cell.below and not cell.approximate] == []
    assert any(cell.below for cell in small)


def test_the_same_seed_gives_the_same_cells_in_whatever_order_they_run(small):
    chosen = STATISTICS_CASES[::20]
    again = run_coverage(chosen[::-1], simulations=30)[::-1]
    assert again == small[::20]
    assert run_coverage(chosen, simulations=30, seed=1) != again
    with pytest.raises(ValueError, match="at least 20 simulations"):
        run_coverage(chosen, simulations=5)


def wald_holds(simulations, generator, n, rate):
    share = generator.binomial(n, rate, simulations) / n
    half = 1.96 * np.sqrt(share * (1 - share) / n)
    return np.abs(share - rate) <= half


def test_a_bad_interval_of_another_room_is_found_out(tmp_path):
    case = CoverageCase("wald", "independent", "n 20", partial(wald_holds, n=20, rate=0.05))
    (cell,) = run_coverage([case], simulations=400)
    assert cell.below
    assert not cell.approximate
    assert cell.error == pytest.approx((0.95 * 0.05 / 400) ** 0.5)
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- coverage: written by `assay study coverage` -->\nold\n")
    with pytest.raises(AssayError, match="belongs between the lines"):
        check_page(page)
    page.write_text(page.read_text() + "<!-- /coverage -->\nbelow\n")
    for _ in range(2):
        write_coverage_section(page, [cell])
    text = page.read_text()
    assert text.startswith("above\n")
    assert text.endswith("<!-- /coverage -->\nbelow\n")
    assert "old" not in text
    assert text.count(f"| `wald` | independent | n 20 | 400 | {cell.coverage:.4f} |") == 1


def test_the_command_writes_the_page_and_names_what_is_not_labelled(tmp_path, monkeypatch, capsys):
    bad = CoverageCase("wald", "independent", "n 20", partial(wald_holds, n=20, rate=0.05))
    monkeypatch.setattr(study, "STATISTICS_CASES", (bad, STATISTICS_CASES[0]))
    two = [each for each in regimes() if each.features.documents == 24][:2]
    monkeypatch.setattr(coverage_cases, "regimes", lambda: iter(two))
    page = tmp_path / "page.md"
    with pytest.raises(AssayError, match="no such page"):
        coverage(simulations=200, out=page, seed=0)
    page.write_text("<!-- coverage: written by `assay study coverage` -->\n<!-- /coverage -->\n")
    coverage(simulations=200, out=page, seed=0)
    printed = capsys.readouterr().out
    assert "below nominal and not labelled: wald, independent, n 20" in printed
    # Each regime of the position audit has a cell for each of four shares, the first one of the label.
    assert f"{2 + 2 * len(SHARES) + 1} cells, 1 below nominal" in printed
    assert len(ROW.findall(page.read_text())) == 2 + 2 * len(SHARES) + 1


def test_of_many_cells_the_page_lists_those_with_the_lowest_coverage():
    cells = [
        CoverageCell(
            interval="many",
            condition="independent",
            regime=f"n {i}",
            simulations=1000,
            kept=900 + i,
            approximate=False,
        )
        for i in range(MOST_CELLS + 5)
    ]
    rows = ROW.findall(coverage_section(cells))
    assert [row[2] for row in rows] == [f"n {i}" for i in range(MOST_CELLS)]


def test_printing_code_can_ask_what_is_approximate():
    assert is_approximate("t_interval", "skewed values")
    assert not is_approximate("t_interval", "normal values")
    assert not is_approximate("effective_interval", "templates shared")

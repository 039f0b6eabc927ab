"""plan.html in a browser: an empty console, nothing wider than the screen, steps to be sorted and filtered.

Where Chromium is absent these are skipped; what axe-core finds needs it from `npm ci --prefix tests/foreign`, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rebalancer.export.comparison.page import comparison_page
from rebalancer.export.page.page import plan_page
from tests.conftest import ROOT
from tests.export.everything import golden_plan
from tests.export.rendered import NAMES
from tests.export.shell import named, swap_plan
from tests.pages.browser import CHROMIUM, Chromium, Tab, chromium

AXE = ROOT / "tests" / "foreign" / "node_modules" / "axe-core" / "axe.min.js"
PHONE, DESK = 400, 1200
A4 = 688
"""Its width within the margins of the style sheet, in pixels."""
FITS = "document.documentElement.scrollWidth <= innerWidth"
SHOWN = "[...document.querySelectorAll('#moves tbody[id]')].map(each => each.id)"
FILTER = "filter.value = {}; filter.dispatchEvent(new Event('input'));"
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """One for all tests."""
    with chromium(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """The page of a plan with something of everything."""
    file = tmp_path / "plan.html"
    file.write_text(plan_page(golden_plan()), encoding="utf-8")
    return file


@pytest.fixture
def comparison(tmp_path: Path) -> Path:
    """The page of two plans with something of everything."""
    file = tmp_path / "diff.html"
    file.write_text(comparison_page(golden_plan(), swap_plan(), ("first", "second")), encoding="utf-8")
    return file


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("dark", [False, True])
def test_the_console_is_empty_and_the_page_fits(
    browser: Chromium, page: Path, comparison: Path, width: int, *, dark: bool
) -> None:
    """On a phone and on a desk, light and dark: what is wide scrolls by itself."""
    tab = Tab(browser, width=width, dark=dark)
    for file in (page, comparison):
        assert tab.open(file) == []
        assert tab.ask(FITS) is True


def test_no_table_is_wider_than_the_paper(browser: Chromium, page: Path, comparison: Path) -> None:
    """With all that can be opened open: within the margins of A4, where nothing can be scrolled."""
    tab = Tab(browser, width=A4, dark=False)
    for file in (page, comparison):
        tab.open(file)
        tab.on_paper()
        tab.ask("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        assert tab.ask(FITS) is True


def test_hostile_names_change_nothing(browser: Chromium, tmp_path: Path) -> None:
    """The console stays empty, and nothing of what they say is done."""
    tab = Tab(browser, width=PHONE, dark=False)
    for name in NAMES:
        file = tmp_path / "hostile.html"
        file.write_text(plan_page(named(golden_plan(), name)), encoding="utf-8")
        assert tab.open(file) == []
        assert tab.ask("document.scripts.length") == 1
        assert tab.ask(FITS) is True


def test_steps_are_sorted_filtered_and_grouped(browser: Chromium, page: Path) -> None:
    """By a heading, again the other way; by what is typed; below a heading for each host."""
    tab = Tab(browser, width=DESK, dark=False)
    tab.open(page)
    plan = golden_plan()
    ids = [step.id for step in plan.steps]
    assert tab.ask(SHOWN) == ids
    by_size = "document.querySelector('[data-sort=memory] button').click();"
    ascending = sorted(ids, key=lambda name: (next(s.memory_bytes for s in plan.steps if s.id == name), name))
    assert tab.ask(by_size + SHOWN) == ascending
    assert tab.ask(by_size + "document.querySelector('[data-sort=memory]').ariaSort") == "descending"
    assert tab.ask(FILTER.format(json.dumps(plan.steps[0].vm_name.upper())) + SHOWN) == [ids[0]]
    assert tab.ask("document.getElementById('shown').textContent") == f"1 of {len(ids)} shown"
    grouped = "group.value = 'source'; group.dispatchEvent(new Event('change'));"
    headings = grouped + "document.querySelectorAll('.heading').length"
    assert tab.ask(FILTER.format("''") + headings) == len({step.source for step in plan.steps})


def test_a_step_opens_without_a_mouse(browser: Chromium, page: Path) -> None:
    """All at once by a button, and closed again."""
    tab = Tab(browser, width=DESK, dark=False)
    tab.open(page)
    press = "document.getElementById('open').focus(); document.activeElement.click();"
    opened = "document.querySelectorAll('#moves details[open]').length"
    assert tab.ask(press + opened) == len(golden_plan().steps)
    assert tab.ask(press + opened) == 0


def test_it_is_printed_on_a4(browser: Chromium, page: Path) -> None:
    """Whatever the printer's paper is: 595 by 842 points."""
    tab = Tab(browser, width=DESK, dark=True)
    tab.open(page)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", tab.printed())
    assert {(round(float(width)), round(float(height))) for width, height in boxes} == {(595, 842)}


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed")
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_violation(browser: Chromium, page: Path, comparison: Path, *, dark: bool) -> None:
    """With everything open: what Deque's rules can tell of contrast, names, landmarks and order."""
    tab = Tab(browser, width=DESK, dark=dark)
    for file in (page, comparison):
        tab.open(file)
        tab.ask("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        tab.ask(AXE.read_text(encoding="utf-8") + "; 1")
        found = tab.ask(
            "axe.run().then(found => found.violations.map(each => [each.id, each.nodes.map(node => node.html)]))"
        )
        assert found == []

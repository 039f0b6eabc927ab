"""plan.html: the figures of plan.md on a page that needs nothing else, whatever things are called."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from rebalancer.describe.load_course import LoadCourse
from rebalancer.export import plan_markdown
from rebalancer.export.page.curves import day_of
from rebalancer.export.page.heat import axis
from rebalancer.export.page.page import plan_page
from rebalancer.export.page.strips import strip_of
from rebalancer.export.page.times import LAST_RIGHT, picture
from rebalancer.plan import Plan, sealed
from rebalancer.slots import RecordedDay, Slots
from rebalancer.units import DAYS
from tests.export.cases import CASES
from tests.export.everything import golden_plan
from tests.export.html_page import Page, named_hash
from tests.export.rendered import NAMES, tables
from tests.export.shell import named, swap_plan
from tests.plan.made import MADE_AT, demand_of, goal_of, plan_of
from tests.planner.busy import busy_pool
from tests.pools import policy_of, problem_of

MOST_BYTES = 1_000_000
STEPS = 150


def old(plan: Plan) -> Plan:
    """*plan* as a version wrote it that kept neither capacities nor refusals."""
    hosts = tuple(replace(row, cpu_capacity_pcpu=None) for row in plan.hosts)
    return sealed(replace(plan, hosts=hosts, steps=tuple(replace(step, refused=None) for step in plan.steps)))


def many(plan: Plan, steps: int) -> Plan:
    """*plan* with so many steps."""
    first = plan.steps[0]
    return sealed(replace(plan, steps=tuple(replace(first, id=f"s{number:03}") for number in range(1, steps + 1))))


@pytest.mark.parametrize("case", CASES)
def test_it_tells_the_figures_of_the_ticket(case: str) -> None:
    """Every cell of every table of plan.md but for the timetable's, and every sentence of its summary."""
    plan = CASES[case]().plan
    words = Page(plan_page(plan)).words
    for table in tables(plan_markdown(plan)):
        for cell in (cell for row in table[1:] for cell in row):
            plain = re.sub(r"\\(.)", r"\1", cell)
            assert plain in words, plain
    assert plan.summary in words
    assert plan.digest in words


@pytest.mark.parametrize("name", NAMES)
def test_no_name_changes_the_structure(name: str) -> None:
    """Whatever things are called: the same elements with the same attributes, and nothing else."""
    page, plain = (Page(plan_page(named(swap_plan(), each))) for each in (name, "plain"))
    assert page.structure == plain.structure


@pytest.mark.parametrize("case", CASES)
def test_it_needs_nothing_else_and_forbids_it(case: str) -> None:
    """One style sheet and one script, which its policy names by their hashes; links lead within the page."""
    text = plan_page(CASES[case]().plan)
    page = Page(text)
    (policy,) = [str(found["content"]) for tag, found in page.tags if found.get("http-equiv")]
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert policy == (
        f"default-src 'none'; style-src '{named_hash(style)}'; script-src '{named_hash(script)}'; "
        f"base-uri 'none'; form-action 'none'"
    )
    attributes = {name for _, found in page.tags for name in found}
    assert attributes.isdisjoint({"src", "style", "srcset", "action", "data"})
    assert not {name for name in attributes if name.startswith("on")}
    links = [str(found["href"]) for _, found in page.tags if "href" in found]
    ids = [str(found["id"]) for _, found in page.tags if "id" in found]
    assert len(set(ids)) == len(ids)
    assert {link[0] for link in links} == {"#"}
    assert {link[1:] for link in links} <= set(ids)
    assert "url(" not in style + script
    assert "@import" not in style


def test_what_old_files_do_not_hold_is_named() -> None:
    """Where it would stand; the rest of the page is there."""
    plan = golden_plan()
    page, known = Page(plan_page(old(plan))), Page(plan_page(plan))
    for words in (
        "the version that wrote this plan did not keep what the shares of CPU are shares of",
        "The load with and without it is not told by this plan file",
        "hosts that may not take it not told by this plan file",
    ):
        assert words in page.words
        assert words not in known.words
    unmeasured = Page(plan_page(swap_plan()))
    assert "Not known: the plan was made without metrics." in unmeasured.words
    assert {found.get("id") for _, found in page.tags} == {found.get("id") for _, found in known.tags}


def test_a_part_tells_no_gap_to_the_bound_of_the_whole() -> None:
    """Its figures are its own; what the whole could have come to says nothing about it."""
    part = sealed(replace(golden_plan(), tiers=tuple(replace(tier, proved=False) for tier in golden_plan().tiers)))
    part = sealed(replace(part, made_from=replace(part.made_from, part_of="sha256:0")))
    words = Page(plan_page(part)).words
    assert "gap of balance to the best possible" not in words
    assert "balance comes to 7.224 weighted pCPU-hours; the best possible was told of the whole plan." in words


def test_bars_are_named_where_there_is_room() -> None:
    """Each beside its bar, on the side that has room; many steps have no names in the picture."""
    plan = golden_plan()
    found = list(picture(plan))
    assert sorted(each.id for each in found) == [step.id for step in plan.steps]
    for each in found:
        end = each.begins + each.length
        assert (each.right, each.at) == ((True, end) if end <= LAST_RIGHT else (False, each.begins))
    late = replace(plan.steps[-1], start_seconds=4 * plan.steps[-1].end_seconds)
    assert {each.right for each in picture(replace(plan, steps=(*plan.steps[:-1], late)))} == {True, False}
    named_bars, bare = (re.findall(r"<text [^>]*>(.*?)</text>", plan_page(each)) for each in (plan, many(plan, 41)))
    assert (named_bars, bare) == ([each.id for each in found], [])


def test_it_stays_small() -> None:
    """Below a megabyte at 150 steps; benchmarks/pages.py measures plans of large pools."""
    assert len(plan_page(many(golden_plan(), STEPS)).encode()) < MOST_BYTES


def robust_plan() -> Plan:
    """The busy plan under a policy that reckons with two VMs of each host peaking together."""
    pool = busy_pool()
    demand = demand_of(pool, {"big": 9.0, "web-1": 5.0})
    peaks = np.random.default_rng(1).uniform(0, 3, demand.vm_pcpu.shape)
    policy = policy_of(demand={"robust": True, "budget": 2})
    problem = problem_of(pool, demand=replace(demand, vm_deviation_pcpu=peaks), policy=policy)
    return plan_of(problem, goal_of(problem, big="h2", small="h1", **{"web-2": "h3", "log": "h4"}))


@pytest.mark.parametrize("made", [golden_plan, robust_plan, lambda: CASES["hops and load"]().plan])
def test_the_course_of_the_load_comes_to_what_the_plan_says(made: Callable[[], Plan]) -> None:
    """Its busiest hours before and after are those of the plan's hosts; the last step ends where the plan does."""
    plan = made()
    course = LoadCourse.of(plan)
    assert course
    before, after, highest = course.before(), course.after(), course.highest()
    for row in plan.hosts:
        assert float(before[row.uuid].max()) == pytest.approx(row.before.peak_share, abs=1e-4)
        assert float(after[row.uuid].max()) == pytest.approx(row.after.peak_share, abs=1e-4)
        assert highest[row.uuid] >= max(float(before[row.uuid].max()), float(after[row.uuid].max()))
    ends = {
        end: load
        for step, found in course.steps()
        if found
        for end, load in zip((step.source, step.target), (found.source[1], found.target[1]), strict=True)
    }
    assert all((after[host] == load).all() for host, load in ends.items())


@pytest.mark.parametrize(
    ("shares", "paths"),
    [
        ([], ()),
        ([0.1, 0.1, 0.9], ((0, "M0 .5h2"), (2, "M2 .5h1"))),
        ([0.9, 0.5, 0.9], ((1, "M1 .5h1"), (2, "M0 .5h1M2 .5h1"))),
    ],
)
def test_cells_of_one_colour_are_one_path(shares: Sequence[float], paths: tuple[tuple[int, str], ...]) -> None:
    """From an edge on the next colour counts."""
    assert strip_of(shares, (0.5, 0.8), "").paths == paths


@pytest.mark.parametrize(
    ("when", "below"),
    [
        (Slots(count=24, timezone="UTC"), ("00", "06", "12", "18")),
        (Slots(count=168, timezone="UTC"), DAYS),
        (Slots(count=48, timezone="UTC", days=(RecordedDay(start=MADE_AT),) * 2), ("Sun",) * 2),
        (Slots(count=216, timezone="UTC", days=(RecordedDay(start=MADE_AT),) * 9), ("Sun 1", "") * 4 + ("Sun 1",)),
        (Slots(count=7, timezone="UTC"), ()),
    ],
)
def test_the_axis_tells_hours_or_days(when: Slots, below: tuple[str, ...]) -> None:
    """Of a day its quarters, of a week its days, of recorded days up to seven of them; of anything else nothing."""
    assert axis(when) == below


def test_a_chart_shows_the_day_that_matters() -> None:
    """The 24 hours of a week that its slot is in; fewer where the profile ends before."""
    assert day_of(50, Slots(count=168, timezone="UTC")) == range(48, 72)
    assert day_of(30, Slots(count=36, timezone="UTC")) == range(24, 36)

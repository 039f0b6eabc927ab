"""plan.html: the plan as one page that needs nothing else, see `rebalancer.pages`. It tells the figures of plan.md.

What a plan of an earlier version does not hold is named on the page where it would stand.
"""

from __future__ import annotations

from collections.abc import Iterator

from rebalancer.describe.load_course import LoadCourse
from rebalancer.export.markdown import facts
from rebalancer.export.overview import host_rows, reason_rows, risk_rows
from rebalancer.export.page.bars import host_bars
from rebalancer.export.page.commands import commands
from rebalancer.export.page.headroom import LEGEND as ROOM_LEGEND
from rebalancer.export.page.headroom import headroom_of
from rebalancer.export.page.heat import LEGEND, axis, heat_rows
from rebalancer.export.page.placed import placed_hosts
from rebalancer.export.page.step_panels import step_panels
from rebalancer.export.page.times import LABELLED, bars_of, picture
from rebalancer.export.page.verdict import costs, tiers_of, tiles, verdict
from rebalancer.export.page.wanted import wanted
from rebalancer.export.rows import (
    DISK_COLUMNS,
    HELD_COLUMNS,
    NETWORK_COLUMNS,
    RESOURCE_COLUMNS,
    STEP_COLUMNS,
    conditions,
    disk_rows,
    held_rows,
    network_rows,
    resource_rows,
    sr_rows,
    step_rows,
)
from rebalancer.export.timetable import remarks
from rebalancer.pages.render import Page, rendered
from rebalancer.plan import Plan

BACK_COLUMNS = ("step", "VM", "from", "to", "memory>", "takes about>", "after", "why")
SR_COLUMNS = ("SR", "disks that come>", "in full>", "disks that leave>", "in full>")


def plan_page(plan: Plan) -> str:
    """*plan* as HTML."""
    page = Page(
        package="rebalancer.export.page",
        template="plan.html",
        timezone=plan.policy.timezone,
        styles=("pages/panels.css", "own/plan.css"),
        scripts=("plan.js",),
    )
    course = LoadCourse.of(plan)
    return rendered(
        page,
        plan=plan,
        course=course,
        panels=step_panels(plan, course),
        heat=heat_rows(plan, course) if course else (),
        axis=axis(plan.when),
        legend=LEGEND,
        bars=host_bars(plan, course),
        placed=placed_hosts(plan),
        headroom=headroom_of(plan),
        room_legend=ROOM_LEGEND,
        back=step_rows(plan.rollback, plan.hosts),
        back_columns=STEP_COLUMNS,
        verdict=verdict(plan),
        tiles=tiles(plan),
        tiers=tiers_of(plan),
        costs=costs(plan),
        conditions=conditions(plan),
        reasons=reason_rows(plan),
        touched=host_rows(plan),
        risks=risk_rows(plan),
        gantt=bars_of(plan),
        picture=tuple(picture(plan)),
        labelled=len(plan.steps) <= LABELLED,
        remarks=tuple(remarks(plan)) if plan.steps else (),
        wanted=wanted(plan),
        tables=tuple(_tables(plan)),
        commands=commands(plan),
        facts=tuple(facts(plan)),
    )


def _tables(plan: Plan) -> Iterator[tuple[str, tuple[str, ...], list[tuple[object, ...]]]]:
    """Further tables of plan.md: a heading, the columns, the rows; those that have rows."""
    found: tuple[tuple[str, tuple[str, ...], list[tuple[object, ...]]], ...] = (
        ("Disks that go along, to another SR (Storage XenMotion)", DISK_COLUMNS, [*disk_rows(plan.steps)]),
        (
            "VMs that go to another pool, and the networks of their interfaces",
            NETWORK_COLUMNS,
            [*network_rows(plan.steps)],
        ),
        ("Resources beside CPU", RESOURCE_COLUMNS, resource_rows(plan.hosts)),
        ("SRs that disks come to or leave", SR_COLUMNS, sr_rows(plan.srs)),
        ("Held as they are", HELD_COLUMNS, [*held_rows(plan.held)]),
    )
    yield from (each for each in found if each[2])

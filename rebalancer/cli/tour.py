"""The demo: the main job from end to end, on a simulated pool, through the same calls as on a real one."""

from __future__ import annotations

import secrets
from pathlib import Path

import rebalancer as rb
from rebalancer.cli.output import heading, show, show_lines
from rebalancer.cli.views.checks import check_tables
from rebalancer.cli.views.plans import accepted, hosts_table, plan_tables
from rebalancer.cli.watching.progress import watch_run, watch_solve
from rebalancer.errors import IllegalPlan
from rebalancer.simulator import Simulator, demo_pool
from rebalancer.units import counted

SPEED = 40.0
"""How many times faster than real the migrations of the demo run."""


def tour(folder: Path) -> None:
    """Read, check, plan, write, verify, carry out, and plan again; everything written goes to *folder*.

    Raises:
        RebalancerError: a stage failed.
    """
    user, password = "root", secrets.token_urlsafe(12)
    with Simulator(demo_pool(), speed=SPEED, user=user, password=password) as simulator:
        way = rb.Connection(credentials=rb.Credentials(user=user, password=password))
        _stage("1. Read the pool over XenAPI, and a week of metrics from every host")
        model = _read(simulator.url, way, folder / "snapshot.json.gz")
        _stage("2. Check what may move")
        show(*check_tables(rb.check(model).report, model.problem.names))
        _stage("3. Plan")
        plan = _plan(model, folder / "plan")
        show(*plan_tables(plan))
        _stage("4. Read the plan back, and prove every state between its steps")
        _verify(folder / "plan", model)
        _stage("5. Carry it out")
        with rb.connect(simulator.url, way) as live, watch_run() as reporter:
            result = rb.apply(plan, live, journal=folder / "journal.jsonl", state_dir=folder, reporter=reporter)
        show(str(result))
        _stage("6. Read again, and plan again")
        again = _plan(_read(simulator.url, way, folder / "snapshot-after.json.gz"), folder / "plan-after")
        show_lines("")
        show(hosts_table(again), again.summary)


def _stage(title: str) -> None:
    show_lines("")
    show(heading(f"== {title}"))
    show_lines("")


def _read(url: str, way: rb.Connection, snapshot: Path) -> rb.Model:
    state = rb.read(url, way)
    state.save(snapshot)
    guests = sum(1 for _ in state.pool.resident_guests())
    size = f"{counted(len(state.pool.hosts), 'host')}, {counted(guests, 'running VM')}"
    source = state.demand.source if state.demand else "nowhere"
    show(f"{url}: pool {state.pool.name}, {size}; demand from {source}")
    return rb.Model(state, state_dir=snapshot.parent)


def _plan(model: rb.Model, folder: Path) -> rb.Proposal:
    with watch_solve() as reporter:
        plan = rb.rebalance(model, reporter=reporter)
    plan.save(folder)
    return plan


def _verify(folder: Path, model: rb.Model) -> None:
    """Read the plan back and check it as a stranger would.

    Raises:
        IllegalPlan: it does not hold.
    """
    plan = rb.load(folder)
    findings = rb.verify(plan, model.state)
    if findings:
        raise IllegalPlan([str(finding) for finding in findings])
    show(accepted(plan))

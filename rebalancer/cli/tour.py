"""The demo: the main job from end to end, on a simulated pool, through the same calls as on a real one."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path

from rebalancer.cli.check_views import check_tables
from rebalancer.cli.output import heading, show, show_lines
from rebalancer.cli.progress import watch_run, watch_solve
from rebalancer.cli.views import accepted, hosts_table, plan_tables
from rebalancer.errors import IllegalPlan
from rebalancer.execute import execute
from rebalancer.export import read_plan, write_plan
from rebalancer.legality.report import legality_report
from rebalancer.plan import Plan
from rebalancer.planner.rebalance import rebalance
from rebalancer.policy import Policy
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Legality, rules_for
from rebalancer.simulator import Simulator, demo_pool
from rebalancer.snapshot import Snapshot, write_snapshot
from rebalancer.units import counted
from rebalancer.verify.verify import verify_plan
from rebalancer.xapi import Credentials, Trust, connect, live_pool, measure, read_pool

SPEED = 40.0
"""How many times faster than real the migrations of the demo run."""


def tour(folder: Path) -> None:
    """Read, check, plan, write, verify, carry out, and plan again; everything written goes to *folder*.

    Raises:
        RebalancerError: a stage failed.
    """
    credentials = Credentials(user="root", password=secrets.token_urlsafe(12))
    with Simulator(
        demo_pool(), speed=SPEED, tls=True, user=credentials.user, password=credentials.password
    ) as simulator:
        trust = Trust(fingerprints=frozenset({simulator.certificate_fingerprint or ""}))
        _stage("1. Read the pool over XenAPI, and a week of metrics from every host")
        problem = _read(simulator.url, credentials, trust, folder / "snapshot.json.gz")
        _stage("2. Check what may move")
        show(*check_tables(legality_report(Legality(problem, rules_for(problem)))))
        _stage("3. Plan")
        plan = _plan(problem, folder / "plan")
        show(*plan_tables(plan))
        _stage("4. Read the plan back, and prove every state between its steps")
        _verify(folder / "plan", problem)
        _stage("5. Carry it out")
        with live_pool(simulator.url, credentials, trust) as live, watch_run() as reporter:
            result = execute(plan, live, journal=folder / "journal.jsonl", state_dir=folder, reporter=reporter)
        show(str(result))
        _stage("6. Read again, and plan again")
        again = _plan(
            _read(simulator.url, credentials, trust, folder / "snapshot-after.json.gz"), folder / "plan-after"
        )
        show_lines("")
        show(hosts_table(again), again.summary)


def _stage(title: str) -> None:
    """Announce a stage."""
    show_lines("")
    show(heading(f"== {title}"))
    show_lines("")


def _read(url: str, credentials: Credentials, trust: Trust, snapshot: Path) -> Problem:
    """The problem of the pool as it is now, and a snapshot of it."""
    policy = Policy()
    with connect(url, credentials, trust) as session:
        pool = read_pool(session)
        demand = measure(session, pool, policy.demand)
    write_snapshot(Snapshot(pool=pool, demand=demand, taken_at=datetime.now(UTC), source=url), snapshot)
    guests = sum(1 for _ in pool.resident_guests())
    size = f"{counted(len(pool.hosts), 'host')}, {counted(guests, 'running guest')}"
    show(f"{url}: pool {pool.name}, {size}; demand from {demand.source}")
    return make_problem(pool, demand, policy)


def _plan(problem: Problem, folder: Path) -> Plan:
    """A plan, written for review."""
    with watch_solve() as reporter:
        plan = rebalance(problem, made_at=datetime.now(UTC), reporter=reporter)
    write_plan(plan, folder)
    return plan


def _verify(folder: Path, problem: Problem) -> None:
    """Read the plan back and check it as a stranger would.

    Raises:
        IllegalPlan: it does not hold.
    """
    plan = read_plan(folder)
    findings = verify_plan(plan, problem.pool, problem.demand, now=datetime.now(UTC))
    if findings:
        raise IllegalPlan([str(finding) for finding in findings])
    show(accepted(plan))

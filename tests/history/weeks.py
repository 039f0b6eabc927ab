"""A week of nights in a state folder: VM a moves to and fro, b is refused every time, and load grows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from rebalancer.execute import StepState, journal_path
from rebalancer.history.nights import HeadRoom, NightRecord, append_night
from rebalancer.history.outcome import CheckedHost, LoadCheck, PlanOutcome, write_outcome
from rebalancer.placement import Placement
from rebalancer.plan import Plan, digest_of
from rebalancer.problem import pool_at
from tests.execute.scripted import MADE_AT
from tests.history.made import DAY, entries_of, keep_plan, night_of, write_journal
from tests.plan.made import demand_of, goal_of, plan_of
from tests.pools import make_host, make_pool, make_vm, policy_of, problem_of

HOUR = timedelta(hours=1)
GIBS = 1 << 30
NIGHTS = 7
EVIL = "<script>alert(1)</script> & =cmd"
POOL = make_pool(
    hosts=[make_host("h1"), make_host("h2"), make_host("h3")],
    vms=[make_vm("a"), make_vm("b"), make_vm(EVIL), make_vm("c", on="h2")],
)


def plan_of_night(number: int) -> Plan:
    """Moves a to the other of two hosts, and b to a third."""
    here, there = ("h1", "h2") if number % 2 == 0 else ("h2", "h1")
    places = {"a": here, "b": "h1", EVIL: "h3" if number else "h1", "c": "h2"}
    pool = pool_at(POOL, Placement(places))
    problem = problem_of(pool, demand=demand_of(pool, {"a": 7.0, "b": 8.0, "c": 3.0, EVIL: 1.0}), policy=policy_of())
    moves = {"a": there, "b": "h3"} | ({} if number else {EVIL: "h3"})
    plan = replace(plan_of(problem, goal_of(problem, **moves)), made_at=MADE_AT + number * DAY)
    return replace(plan, digest=digest_of(plan))


def check_of_night(number: int) -> LoadCheck:
    """The day after: more than was predicted, less than there would have been."""
    since = MADE_AT + number * DAY + HOUR
    hosts = (
        CheckedHost(uuid="h1", name="h1", predicted_share=0.6, measured_share=0.55),
        CheckedHost(uuid="h2", name="h2", predicted_share=0.5, measured_share=0.5 + 0.05 * number),
    )
    return LoadCheck(
        since=since,
        until=since + 24 * HOUR,
        elsewhere=0,
        overload_predicted=1.0,
        overload_measured=2.0,
        overload_unmoved=10.0 + number,
        hosts=hosts,
    )


def live_a_week(state: Path) -> list[NightRecord]:
    """Leave behind what seven nights leave; the last one ends with an error before its pool is read."""
    nights = []
    for number in range(NIGHTS):
        plan = plan_of_night(number)
        folder = keep_plan(plan, state)
        came = {step.id: StepState.REFUSED if step.vm == "b" else StepState.MOVED for step in plan.steps}
        write_journal(journal_path(plan.digest, state), *entries_of(plan, came, at=plan.made_at))
        if number < NIGHTS - 1:
            write_outcome(PlanOutcome(plan=plan.digest, check=check_of_night(number)), folder)
        done = len(plan.steps) - 1
        room = HeadRoom(
            capacity_pcpus=48.0,
            busiest_pcpus=24.0 + number,
            memory_total_bytes=192 * GIBS,
            memory_used_bytes=96 * GIBS,
        )
        nights.append(replace(night_of(plan, state, done=done, verdict="set_aside"), room=room))
    lost = MADE_AT + NIGHTS * DAY
    nights.append(
        NightRecord(
            policy="other.toml",
            pool="",
            pool_name="",
            began_at=lost,
            ended_at=lost + HOUR,
            exit_code=1,
            verdict="unreachable",
            words=f"https://{EVIL}: nobody answers",
        )
    )
    for night in nights:
        append_night(night, state)
    return nights

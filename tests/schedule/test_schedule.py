"""The timetable of a plan: short, within the limits, true to itself; and every false claim about it is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest

from rebalancer.inventory import Pool
from rebalancer.plan import Pace, Plan
from rebalancer.plan.duration import NO_EXPERIENCE, migration_network, wire_seconds
from rebalancer.policy import LimitsPolicy
from rebalancer.schedule.lanes import dispatch, makespan
from rebalancer.schedule.timetable import work_bound
from rebalancer.units import GIB
from tests.plan.made import MADE_AT, goal_of, plan_of, pool_with
from tests.pools import make_host, make_network, make_pif, make_pool, make_vm, policy_of, problem_of
from tests.schedule.timed import WIDE, four_moves, job, refused, schedule_edited, step_edited


def test_two_at_a_time_take_half_as_long() -> None:
    """Disjoint pairs of hosts run side by side, each host with one in and one out."""
    one, two = four_moves(limits={"concurrent": 1}), four_moves(limits={"concurrent": 2})
    assert one.schedule.seconds == pytest.approx(2 * two.schedule.seconds)
    assert two.schedule.gap == 0.0
    assert two.schedule.bound_by == "all migrations, 2 at a time"


def test_a_step_that_waits_is_launched_once_that_is_done() -> None:
    """A chain takes the sum of its steps, and the bound says why."""
    pool = pool_with({"h1": 10, "h2": 10, "h3": 10}, {"a": ("h1", 8), "b": ("h2", 8)})
    problem = problem_of(pool, policy=policy_of(limits=WIDE))
    plan = plan_of(problem, goal_of(problem, a="h2", b="h3"))
    first, second = plan.steps
    assert second.start_seconds == first.end_seconds
    assert plan.schedule.bound_by == "steps that wait for each other, one after another"
    assert plan.schedule.gap == 0.0


def test_limits_per_host_hold_back() -> None:
    """Everything leaves one host: with one out at a time nothing runs side by side, whatever the pool allows."""
    pool = pool_with({"h1": 20, "h2": 20, "h3": 20}, {"a": ("h1", 4), "b": ("h1", 4)})
    problem = problem_of(pool, policy=policy_of(limits={"concurrent": 9, "in_per_host": 9}))
    plan = plan_of(problem, goal_of(problem, a="h2", b="h3"))
    assert [step.start_seconds for step in plan.steps] == [0.0, plan.steps[0].end_seconds]
    assert plan.schedule.bound_by == "migrations out of h1, 1 at a time"


def test_a_limit_per_network_holds_back() -> None:
    """One at a time over the network that all of them use."""
    plan = four_moves(limits={"concurrent": 4, "in_per_host": 2, "out_per_host": 2, "per_link": 1})
    assert plan.schedule.seconds == pytest.approx(sum(step.seconds for step in plan.steps))


def test_steps_beside_each_other_share_the_wire() -> None:
    """Two that leave one host at once take longer than one alone, and both together no less than one after another."""
    pool = pool_with({"h1": 20, "h2": 20, "h3": 20}, {"a": ("h1", 4), "b": ("h1", 4)})
    plans = []
    for out in (1, 2):
        problem = problem_of(pool, policy=policy_of(limits={"concurrent": 2, "out_per_host": out}))
        plans.append(plan_of(problem, goal_of(problem, a="h2", b="h3")))
    alone, shared = plans
    assert shared.steps[0].seconds > 1.5 * alone.steps[0].seconds
    assert shared.schedule.seconds == pytest.approx(alone.schedule.seconds - 8, abs=0.5)


def with_networks(**config: str) -> Pool:
    """Two hosts with a slow management interface and a fast one with an address on the network `fast`."""
    hosts = [
        make_host(
            name,
            pifs=(
                make_pif(name, management=True, speed_mbits=1000, ip="192.0.2.1"),
                make_pif(name, "fast", speed_mbits=10_000, ip="198.51.100.1"),
            ),
        )
        for name in ("h1", "h2")
    ]
    pool = make_pool(hosts=hosts, vms=[make_vm("a", on="h1", gib=4)])
    networks = {**pool.networks, "fast": make_network("fast")}
    return replace(pool, networks=networks, other_config={"xo:migrationNetwork": config["network"]} if config else {})


def test_memory_travels_over_the_migration_network() -> None:
    """A tenth of the time over the fast network that the pool names; over management where it names none."""
    plain, chosen = with_networks(), with_networks(network="fast")
    seconds = [
        wire_seconds(GIB, pool, ("h1", "h2"), migration_network(pool, "h1", "h2"), sharing=(1, 1))
        for pool in (plain, chosen)
    ]
    assert seconds == [pytest.approx(8.59, abs=0.01), pytest.approx(0.859, abs=0.001)]
    assert migration_network(chosen, "h1", "h2") == "fast"


@pytest.mark.parametrize("lacking", [{"ip": ""}, {"currently_attached": False}])
def test_a_migration_network_that_a_host_cannot_use_is_not_used(lacking: dict[str, Any]) -> None:
    """Without a plugged interface with an address at both ends, memory takes the management interface."""
    pool = with_networks(network="fast")
    host = pool.hosts["h2"]
    crippled = replace(host, pifs=(host.pifs[0], replace(host.pifs[1], **lacking)))
    assert migration_network(replace(pool, hosts={**pool.hosts, "h2": crippled}), "h1", "h2") is None
    gone = replace(pool, other_config={"xo:migrationNetwork": "removed long ago"})
    assert migration_network(gone, "h1", "h2") is None


@pytest.mark.parametrize(
    ("pace", "likely", "interval"),
    [
        (NO_EXPERIENCE, 24.2, (14.5, 48.4)),
        (Pace(fixed_seconds=2, factor=1.0, low=0.9, high=1.1, steps=40), 12.0, (10.8, 13.2)),
    ],
)
def test_a_duration_is_an_interval(pace: Pace, likely: float, interval: tuple[float, float]) -> None:
    """Ten seconds on the wire, by the assumptions and by experience."""
    assert pace.likely(10.0) == pytest.approx(likely, abs=0.06)
    assert pace.interval(pace.likely(10.0)) == pytest.approx(interval, abs=0.06)


def test_steps_with_disks_add_up() -> None:
    """Two of 100 and 60 ticks, and four of 10 of which only one runs beside each: nothing takes less than 170."""
    ways = (("h1", "h2"), ("h3", "h4"), ("h1", "h2"), ("h3", "h4"), ("h1", "h2"), ("h3", "h4"))
    lengths = (100, 60, 10, 10, 10, 10)
    task = tuple(
        job(ticks, source, target, carries=ticks > 10) for ticks, (source, target) in zip(lengths, ways, strict=True)
    )
    limits = LimitsPolicy(concurrent=2)
    assert work_bound(task, limits) == (Fraction(170), ("alone", None))
    assert min(makespan(task, dispatch(task, limits, rank)) for rank in permutations(range(len(task)))) == 170


NIGHT = {"window": [{"start": "01:00", "end": "04:00"}], "limits": {"concurrent": 2}}
FOUR = four_moves(**NIGHT)

LIES = {
    "starts earlier": step_edited(FOUR, 3, start_seconds=0.0),
    "starts later": step_edited(FOUR, 3, start_seconds=FOUR.steps[3].start_seconds + 5),
    "takes less": step_edited(FOUR, 0, seconds=1.0, seconds_low=1.0),
    "is surer than it is": step_edited(FOUR, 0, seconds_high=FOUR.steps[0].seconds),
    "interval turned round": step_edited(FOUR, 0, seconds_low=FOUR.steps[0].seconds_high),
    "shorter": schedule_edited(FOUR, seconds=FOUR.schedule.seconds - 1),
    "lower bound": schedule_edited(FOUR, bound_seconds=FOUR.schedule.bound_seconds - 1),
    "higher bound": schedule_edited(FOUR, bound_seconds=FOUR.schedule.bound_seconds + 1),
    "bounded by something else": schedule_edited(FOUR, bound_by="all migrations, 7 at a time"),
    "no reason for the bound": schedule_edited(FOUR, bound_by=""),
    "sooner at best": schedule_edited(FOUR, seconds_low=FOUR.schedule.seconds_low - 1),
    "sooner at worst": schedule_edited(FOUR, seconds_high=FOUR.schedule.seconds_high - 1),
    "begins before the window": schedule_edited(FOUR, begins_at=FOUR.schedule.begins_at - timedelta(hours=3)),
    "window closes later": schedule_edited(FOUR, closes_at=FOUR.schedule.begins_at + timedelta(days=1)),
    "no window": schedule_edited(FOUR, closes_at=None),
    "late": schedule_edited(FOUR, late=("s04",)),
}


@pytest.mark.parametrize("plan", [pytest.param(plan, id=name) for name, plan in LIES.items()])
def test_a_false_claim_about_time_is_refused(plan: Plan) -> None:
    """Whoever changes a time and computes the digest again is refused by the schedule's own checker."""
    assert "schedule" in refused(plan)


def test_a_true_schedule_is_accepted() -> None:
    """As it was made, with a window."""
    assert refused(FOUR) == []
    assert FOUR.schedule.begins_at == MADE_AT
    assert FOUR.schedule.closes_at == MADE_AT + timedelta(hours=2)


def test_what_does_not_fit_the_window_is_said() -> None:
    """A window of a minute: the steps that would end after it are late, by name."""
    plan = four_moves(window=[{"start": "02:00", "end": "02:01"}], limits={"concurrent": 1})
    assert refused(plan) == []
    assert plan.schedule.late == tuple(step.id for step in plan.steps if step.end_seconds > 60)
    assert 0 < len(plan.schedule.late) <= 4


def test_before_the_window_the_plan_begins_when_it_opens() -> None:
    """Made at 02:00 for a window at 23:00."""
    later = four_moves(window=[{"start": "23:00", "end": "23:30"}])
    assert later.schedule.begins_at == MADE_AT.replace(hour=23)

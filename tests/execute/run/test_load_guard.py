"""Hosts that are busier than the plan predicted start nothing more, where the policy wants to know."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from rebalancer.execute import Ending, execute, resume
from rebalancer.execute.judge.predicted_load import predicted_pcpu
from rebalancer.inventory import Pool
from rebalancer.plan import Plan
from rebalancer.problem import make_problem
from rebalancer.simulator import Simulator
from rebalancer.xapi import MetricsFailure, Trust, live_pool
from tests.execute.case import Case
from tests.execute.hearing import Noticing
from tests.execute.scripted import HandClock, ScriptedPool
from tests.execute.stage import KEYS, POOL
from tests.plan.made import MADE_AT, demand_of, goal_of, plan_of, pool_with
from tests.pools import policy_of

PCPU = {"a": 4.0, "b": 3.0, "c": 2.0}
CALM = {"h1": 9.0, "h2": 1.0, "h3": 1.0}


class FreshClock(HandClock):
    """At which the plan is fresh, in the hour in which its VMs are busy."""

    def now(self) -> datetime:
        """Half an hour after it was made, and what was slept since."""
        return MADE_AT + timedelta(minutes=30, seconds=self.seconds)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """A fresh place at that hour."""
    found = Case(tmp_path)
    found.clock = FreshClock()
    found.options = replace(found.options, clock=found.clock)
    return found


@pytest.fixture
def pool() -> Pool:
    """Three VMs on the first of three hosts."""
    return pool_with({"h1": 60, "h2": 60, "h3": 60}, dict.fromkeys(PCPU, ("h1", 4)))


def guarded(pool: Pool, factor: float | None = 1.5, *, measured: bool = True) -> Plan:
    """A plan that brings a to h2 and b to h3, and wants to hear of hosts that are so much busier than predicted."""
    policy = policy_of(execution={"load_factor": factor}, limits={"concurrent": 1})
    problem = make_problem(pool, demand_of(pool, PCPU, busy_slot=MADE_AT.hour) if measured else None, policy)
    return plan_of(problem, goal_of(problem, a="h2", b="h3"))


def test_the_prediction_follows_the_steps(pool: Pool) -> None:
    """Its own half pCPU and the VMs that are there by then; another hour has another load."""
    plan, busy = guarded(pool), MADE_AT
    first = plan.steps[0]
    assert predicted_pcpu(plan, "h1", (), busy) == pytest.approx(0.5 + 9.0)
    assert predicted_pcpu(plan, "h1", [first.id], busy) == pytest.approx(0.5 + 9.0 - PCPU[first.vm])
    assert predicted_pcpu(plan, first.target, [first.id], busy) == pytest.approx(0.5 + PCPU[first.vm])
    assert predicted_pcpu(plan, "h1", (), busy + timedelta(hours=3)) == pytest.approx(0.5 + 0.9)
    assert predicted_pcpu(guarded(pool, measured=False), "h1", (), busy) is None
    assert predicted_pcpu(plan, "h9", (), busy) is None


def test_hosts_as_busy_as_predicted_stop_nothing(case: Case, pool: Pool) -> None:
    """Each is asked once a minute at most, however many steps it has."""
    live, asked = ScriptedPool(pool), list[str]()
    live.loads = dict(CALM)
    live.before_each = asked.append
    assert execute(guarded(pool), live, case.options).complete
    assert asked.count("load") == len(CALM)


@pytest.mark.parametrize(
    ("host", "used", "words"),
    [
        ("h2", 13.5, "host h2 uses 13.5 pCPUs, and the plan predicted 0.5 for this hour"),
        ("h1", 14.4, "host h1 uses 14.4 pCPUs, and the plan predicted 9.5 for this hour"),
    ],
)
def test_a_host_that_is_busier_starts_nothing_more(case: Case, pool: Pool, host: str, used: float, words: str) -> None:
    """Source or target: it is named with both numbers, and the plan goes on once it is calm."""
    live, plan = ScriptedPool(pool), guarded(pool)
    live.loads = {**CALM, host: used}
    result = execute(plan, live, case.options)
    assert (result.ending, live.sent) == (Ending.OVERLOADED, [])
    assert result.why == f"{words}, execution.load_factor being 1.5"
    live.loads = dict(CALM)
    assert resume(plan, live, case.options).complete


def test_use_is_counted_at_the_speed_of_the_plan(case: Case, pool: Pool) -> None:
    """13 of 16 pCPUs at 3,000 MHz are 19.5 of 24 at 2,000, above three quarters; the plan predicted 0.75 there."""
    quick = {uuid: replace(host, cpu_info={**host.cpu_info, "speed": "3000"}) for uuid, host in pool.hosts.items()}
    pool = replace(pool, hosts=quick)
    policy = policy_of(execution={"load_factor": 1.5}, capacity={"reference_mhz": 2000}, limits={"concurrent": 1})
    problem = make_problem(pool, demand_of(pool, PCPU, busy_slot=MADE_AT.hour), policy)
    plan = plan_of(problem, goal_of(problem, a="h2", b="h3"))
    live = ScriptedPool(pool)
    live.loads = {**CALM, "h2": 13.0}
    assert predicted_pcpu(plan, "h2", (), MADE_AT) == pytest.approx(0.75)
    result = execute(plan, live, case.options)
    assert (result.ending, result.why.partition(",")[0]) == (Ending.OVERLOADED, "host h2 uses 19.5 pCPUs")


def test_half_way_what_was_made_stays(case: Case, pool: Pool) -> None:
    """The load comes after the first step: the answer of a minute ago does not count for ever."""
    live, plan = ScriptedPool(pool), guarded(pool)
    live.loads = dict(CALM)
    target = plan.steps[1].target

    def hear(call: str) -> None:
        if call == "forget":
            live.loads[target] = 14.0
            case.clock.sleep(60)

    live.before_each = hear
    result = execute(plan, live, case.options)
    assert (result.ending, result.done) == (Ending.OVERLOADED, (plan.steps[0].id,))


@pytest.mark.parametrize(("factor", "used"), [(1.5, 11.0), (30.0, 14.0), (None, 16.0)])
def test_below_threshold_or_factor_nothing_stops(case: Case, pool: Pool, factor: float | None, used: float) -> None:
    """Much more than predicted and still not much; much, and not so much more; and without the key nobody asks."""
    live = ScriptedPool(pool)
    live.loads = {**CALM, "h2": used}
    assert execute(guarded(pool, factor), live, case.options).complete


@pytest.mark.parametrize("measured", [True, False])
def test_what_nobody_knows_is_said_and_stops_nothing(case: Case, pool: Pool, measured: bool) -> None:
    """A host that does not answer, or a plan that was made without metrics."""
    live, told = ScriptedPool(pool), Noticing()
    live.loads = {name: used for name, used in CALM.items() if name != "h2" or not measured}
    assert execute(guarded(pool, measured=measured), live, replace(case.options, reporter=told)).complete
    reason = "it answers HTTP 500" if measured else "the plan carries no load of it"
    assert ("", f"whether host h2 is busier than predicted, nobody knows: {reason}") in told.heard


def test_a_served_host_tells_its_load() -> None:
    """The pCPUs of its last minutes, dom0 included; of one whose metrics fail, why."""
    with Simulator(POOL, speed=20.0, login_delay=0.0) as simulator, live_pool(simulator.url, KEYS, Trust()) as live:
        pool = live.read()
        host, other = list(pool.hosts.values())[:2]
        simulator.faults.add("rrd-error", host=other.uuid, times=-1)
        used = live.load(pool, host.uuid)
        assert isinstance(used, float)
        assert 0.0 < used <= (host.pcpus or 0)
        silent = live.load(pool, other.uuid)
        assert isinstance(silent, MetricsFailure)
        assert "HTTP 500" in silent.reason

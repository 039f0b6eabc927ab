"""Which hosts can sleep: judged against switching every set of empty hosts off, and counting hosts by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

import numpy as np
import pytest

from rebalancer.demand.profile import Series
from rebalancer.objectives import HostsInUse, cpu_capacities, host_load
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.rules.availability.ha_plan import HAPlan
from rebalancer.rules.availability.spare import Spare
from rebalancer.rules.facts.memory_model import guest_bytes, resident_bytes
from rebalancer.whatif import sleep
from rebalancer.whatif.sleep import hours_from, short_hours
from tests.pools import problem_of
from tests.solve.tiny import placements, random_problem, tiny

IDLE = {"a": (1.0,) * 4, "b": (1.0,) * 4, "c": (1.0,) * 4, "d": (1.0,) * 4}
GATHERED = {"a": ("h1", 8.0), "b": ("h1", 4.0), "c": ("h1", 8.0), "d": ("h1", 4.0)}
FOUR = {"h1": 40.0, "h2": 40.0, "h3": 40.0, "h4": 40.0}


def with_ha(problem: Problem, failures: int) -> Problem:
    """The same with HA on, every VM protected."""
    ha = replace(problem.pool.ha, enabled=True, allow_overcommit=False, plan_exists_for=failures)
    vms = {
        uuid: replace(vm, ha_restart_priority="restart", ha_always_run=True) for uuid, vm in problem.pool.vms.items()
    }
    return replace(problem, pool=replace(problem.pool, ha=ha, vms=vms))


def holds(problem: Problem, off: Iterable[str]) -> bool:
    """Whether the pool without the hosts in *off* still outlives what it has to."""
    hosts = {
        uuid: replace(host, enabled=False, live=False) if uuid in set(off) else host
        for uuid, host in problem.pool.hosts.items()
    }
    dark = replace(problem, pool=replace(problem.pool, hosts=hosts))
    where = {vm: (host,) for vm, host in problem.initial.host_of.items()}
    return not any(limit.broken(where) for rule in (HAPlan(), Spare()) for limit in rule.limits(dark))


CASES: dict[str, Problem] = {
    "nobody counts on them": tiny(GATHERED, hosts=FOUR, load=IDLE),
    "one to spare": tiny(GATHERED, hosts=FOUR, load=IDLE, spare={"hosts": 1, "vms": "all"}),
    "two to spare": tiny(GATHERED, hosts=FOUR, load=IDLE, spare={"hosts": 2, "vms": "all"}),
    "HA for one": with_ha(tiny(GATHERED, hosts=FOUR, load=IDLE), 1),
    "HA for two": with_ha(tiny(GATHERED, hosts=FOUR, load=IDLE), 2),
    "hosts of two sizes": tiny(
        GATHERED, hosts={"h1": 40.0, "h2": 12.0, "h3": 40.0, "h4": 12.0}, load=IDLE, spare={"hosts": 1, "vms": "all"}
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_those_that_sleep_are_as_many_as_can(name: str) -> None:
    """No set of empty hosts that may be off together is larger, and the one that is named is such a set."""
    problem = CASES[name]
    found = sleep(problem, problem.initial)
    asleep = {each.host for each in found.hosts if each.can_sleep}
    empty = [each.host for each in found.hosts]
    assert empty == ["h2", "h3", "h4"]
    assert holds(problem, asleep)
    sizes = [len(off) for count in range(4) for off in combinations(empty, count) if holds(problem, off)]
    assert len(asleep) == max(sizes)


def test_either_of_two_may_sleep_and_not_both() -> None:
    """With one host to spare the last empty host is what the others restart on: the rule keeps it awake."""
    hosts = {"h1": 40.0, "h2": 40.0, "h3": 40.0}
    problem = tiny(GATHERED, hosts=hosts, load=IDLE, spare={"hosts": 1, "vms": "all"})
    found = sleep(problem, problem.initial)
    assert [(each.name, each.can_sleep, each.rule) for each in found.hosts] == [
        ("h2", True, ""),
        ("h3", False, "spare"),
    ]
    assert found.hosts[1].words.startswith("VM 'a' cannot be kept restartable")


def test_the_coordinator_and_hosts_in_use_are_not_among_them() -> None:
    """h1 coordinates without a VM, h2 holds them all, h3 is disabled: h4 is the only one that is asked about."""
    problem = tiny({"a": ("h2", 8.0)}, hosts=FOUR, load={"a": (1.0,) * 4})
    hosts = {**problem.pool.hosts, "h3": replace(problem.pool.hosts["h3"], enabled=False)}
    found = sleep(replace(problem, pool=replace(problem.pool, hosts=hosts)), problem.initial)
    assert ([each.host for each in found.hosts], found.in_use) == (["h4"], 2)


def test_without_metrics_hours_are_unknown() -> None:
    """What can sleep now needs no metrics; when more might does."""
    problem = replace(tiny(GATHERED, hosts=FOUR, load=IDLE), demand=None)
    found = sleep(problem, problem.initial)
    assert (found.needed, len(found.hosts)) == (None, 3)


@pytest.mark.parametrize("seed", range(12))
def test_no_placement_needs_fewer_hosts_in_any_hour(seed: int) -> None:
    """Of all placements whose VMs find memory and that overload no host in an hour, none is on fewer hosts."""
    problem = random_problem(seed)
    assert problem.demand is not None
    needed = sleep(problem, problem.initial).needed
    assert needed is not None
    pool, limit = problem.pool, cpu_capacities(problem) * problem.policy.objective.threshold
    for placement in placements(problem):
        of_host = placement.vms_by_host()
        if any(
            sum(resident_bytes(pool.vms[vm]) for vm in vms) > guest_bytes(pool.hosts[host])
            for host, vms in of_host.items()
        ):
            continue
        hosts = HostsInUse().value(placement, Rulebook.of(problem))
        calm = np.flatnonzero((host_load(placement, problem) <= limit[:, None]).all(axis=0))
        assert all(hosts >= needed[slot] for slot in calm)


def fits(problem: Problem, awake: Iterable[str], slot: int, margin: int) -> bool:
    """Whether the hosts that are awake hold all VMs in a slot without those with most room, counted by hand."""
    demand, share = problem.demand, problem.policy.objective.threshold
    assert demand is not None
    hosts = [problem.pool.hosts[uuid] for uuid in awake]
    cpu = sorted(max(0.0, problem.cpu_capacity(host) * share - demand.host_base_pcpu[0, slot]) for host in hosts)
    memory = sorted(guest_bytes(host) for host in hosts)
    left = len(hosts) - margin
    need = sum(resident_bytes(problem.pool.vms[vm]) for vm in problem.initial)
    return sum(cpu[: max(0, left)]) >= demand.vm_pcpu[:, slot].sum() - 1e-9 and sum(memory[: max(0, left)]) >= need


@pytest.mark.parametrize("seed", range(6))
def test_hours_that_are_short_are_counted_by_hand(seed: int) -> None:
    """For every set of hosts that may be awake, and every margin."""
    problem = random_problem(seed)
    hosts = list(problem.pool.hosts)
    for count in range(len(hosts) + 1):
        for awake in combinations(hosts, count):
            for margin in range(3):
                found = short_hours(problem, awake, margin)
                assert found == tuple(not fits(problem, awake, slot, margin) for slot in range(len(found)))


def test_hours_are_those_of_the_time_zone() -> None:
    """From that in which the moment lies, to that in which it ends; a night in which clocks go back has 25."""
    found = tuple(hour == 2 for hour in range(24))
    begin = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)
    zone = "Europe/Berlin"
    hours = [hour.astimezone(UTC).hour for hour in hours_from(found, begin, timedelta(hours=4), zone)]
    assert hours == [0, 1]
    assert not list(hours_from(found, begin, timedelta(minutes=20), zone))
    assert list(hours_from((True,) * 24, begin, timedelta(0), zone)) == [datetime(2026, 10, 24, 22, tzinfo=UTC)]


def test_a_host_that_is_off_counts_with_what_it_has() -> None:
    """Although nobody measures it: it would hold VMs again once it is awake."""
    problem = tiny(GATHERED, hosts=FOUR, load=IDLE)
    hosts = {**problem.pool.hosts, "h2": replace(problem.pool.hosts["h2"], live=False)}
    dark = problem_of(replace(problem.pool, hosts=hosts), policy=problem.policy, demand=problem.demand)
    assert short_hours(dark, ["h1", "h2"], 1) == short_hours(problem, ["h1", "h2"], 1) == (False,) * 4
    assert short_hours(dark, ["h1"], 1) == (True,) * 4


def test_an_hour_that_was_higher_than_its_percentile_counts() -> None:
    """All VMs were busy together once, on one day of three: hosts that hold the percentiles alone are too few then."""
    problem = tiny({"a": ("h1", 4.0), "b": ("h1", 4.0)}, hosts={"h1": 40.0, "h2": 40.0}, load=IDLE)
    demand = problem.demand
    assert demand is not None
    calm = np.ones((2, 24))
    room = cpu_capacities(problem)[0] * problem.policy.objective.threshold
    days = np.tile(calm, 3)
    days[:, 24 + 5] = room / 2 + 0.5
    days[0, 7] = np.nan
    profile = replace(
        demand,
        vm_pcpu=calm,
        host_base_pcpu=np.zeros((2, 24)),
        window_end=datetime(2026, 11, 4, tzinfo=UTC),
        series=Series(vm_pcpu=days, host_base_pcpu=np.zeros((2, 72))),
    )
    known = replace(problem, demand=profile)
    assert [hour for hour, short in enumerate(short_hours(known, {"h1"}, 0)) if short] == [5]
    assert not any(short_hours(known, {"h1", "h2"}, 0))
    assert not any(short_hours(replace(known, demand=replace(profile, series=None)), {"h1"}, 0))

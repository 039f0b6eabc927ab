"""Which hosts can sleep: judged against switching every set of empty hosts off, and counting hosts by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

import numpy as np
import pytest

from rebalancer.demand.profile import Series
from rebalancer.objectives import cpu_capacities
from rebalancer.problem import Problem
from rebalancer.rules.availability.ha_plan import HAPlan
from rebalancer.rules.availability.spare import Spare
from rebalancer.rules.facts.memory_model import guest_bytes, resident_bytes
from rebalancer.whatif import sleep
from rebalancer.whatif.supply import Supply, hours_from
from tests.pools import problem_of
from tests.solve.tiny import random_problem, tiny

IDLE = {"a": (1.0,) * 4, "b": (1.0,) * 4, "c": (1.0,) * 4, "d": (1.0,) * 4}
GATHERED = {"a": ("h1", 8.0), "b": ("h1", 4.0), "c": ("h1", 8.0), "d": ("h1", 4.0)}
FOUR = {"h1": 40.0, "h2": 40.0, "h3": 40.0, "h4": 40.0}
BOLD = {"margin_hosts": 0}
NOW = datetime(2026, 11, 4, 22, 15, tzinfo=UTC)


def with_ha(problem: Problem, failures: int) -> Problem:
    """The same with HA on, every VM protected."""
    ha = replace(problem.pool.ha, enabled=True, allow_overcommit=False, plan_exists_for=failures)
    vms = {
        uuid: replace(vm, ha_restart_priority="restart", ha_always_run=True) for uuid, vm in problem.pool.vms.items()
    }
    return replace(problem, pool=replace(problem.pool, ha=ha, vms=vms))


def holds(problem: Problem, off: Iterable[str]) -> bool:
    """Whether the pool without the hosts in *off* still outlives what it has to, and is enough in every hour."""
    awake, margin = set(problem.pool.hosts) - set(off), problem.policy.sleep.margin_hosts
    if not all(fits(problem, awake, slot, margin) for slot in range(4)):
        return False
    hosts = {
        uuid: replace(host, enabled=False, live=False) if uuid in set(off) else host
        for uuid, host in problem.pool.hosts.items()
    }
    dark = replace(problem, pool=replace(problem.pool, hosts=hosts))
    where = {vm: (host,) for vm, host in problem.initial.host_of.items()}
    return not any(limit.broken(where) for rule in (HAPlan(), Spare()) for limit in rule.limits(dark))


CASES: dict[str, Problem] = {
    "nobody counts on them": tiny(GATHERED, hosts=FOUR, load=IDLE, sleep=BOLD),
    "a margin of one": tiny(GATHERED, hosts=FOUR, load=IDLE),
    "a margin of two": tiny(GATHERED, hosts=FOUR, load=IDLE, sleep={"margin_hosts": 2}),
    "an hour that needs two": tiny(GATHERED, hosts=FOUR, load=IDLE | {"a": (1.0, 1.0, 14.0, 1.0)}, sleep=BOLD),
    "one to spare": tiny(GATHERED, hosts=FOUR, load=IDLE, spare={"hosts": 1, "vms": "all"}, sleep=BOLD),
    "two to spare": tiny(GATHERED, hosts=FOUR, load=IDLE, spare={"hosts": 2, "vms": "all"}, sleep=BOLD),
    "HA for one": with_ha(tiny(GATHERED, hosts=FOUR, load=IDLE, sleep=BOLD), 1),
    "HA for two": with_ha(tiny(GATHERED, hosts=FOUR, load=IDLE, sleep=BOLD), 2),
    "hosts of two sizes": tiny(
        GATHERED,
        hosts={"h1": 40.0, "h2": 12.0, "h3": 40.0, "h4": 12.0},
        load=IDLE,
        spare={"hosts": 1, "vms": "all"},
        sleep=BOLD,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_those_that_sleep_are_as_many_as_can(name: str) -> None:
    """No set of empty hosts that may be off together is larger, and the one that is named is such a set."""
    problem = CASES[name]
    found = sleep(problem, problem.initial, NOW)
    asleep = {each.host for each in found.hosts if each.can_sleep}
    empty = [each.host for each in found.hosts]
    assert empty == ["h2", "h3", "h4"]
    assert holds(problem, asleep)
    sizes = [len(off) for count in range(4) for off in combinations(empty, count) if holds(problem, off)]
    assert len(asleep) == max(sizes)


def test_either_of_two_may_sleep_and_not_both() -> None:
    """With one host to spare the last empty host is what the others restart on: the rule keeps it awake."""
    hosts = {"h1": 40.0, "h2": 40.0, "h3": 40.0}
    problem = tiny(GATHERED, hosts=hosts, load=IDLE, spare={"hosts": 1, "vms": "all"}, sleep=BOLD)
    found = sleep(problem, problem.initial, NOW)
    assert [(each.name, each.can_sleep, each.rule) for each in found.hosts] == [
        ("h2", True, ""),
        ("h3", False, "spare"),
    ]
    assert found.hosts[1].words.startswith("VM 'a' cannot be kept restartable")


def test_the_coordinator_and_hosts_in_use_are_not_among_them() -> None:
    """h1 coordinates without a VM, h2 holds them all, h3 is disabled: h4 is the only one that is asked about."""
    problem = tiny({"a": ("h2", 8.0)}, hosts=FOUR, load={"a": (1.0,) * 4})
    hosts = {**problem.pool.hosts, "h3": replace(problem.pool.hosts["h3"], enabled=False)}
    found = sleep(replace(problem, pool=replace(problem.pool, hosts=hosts)), problem.initial, NOW)
    assert ([each.host for each in found.hosts], found.in_use) == (["h4"], 2)


def test_without_metrics_hours_are_unknown() -> None:
    """What can sleep now needs no metrics; when more might does."""
    problem = replace(tiny(GATHERED, hosts=FOUR, load=IDLE), demand=None)
    found = sleep(problem, problem.initial, NOW)
    assert (found.needed, len(found.hosts)) == (None, 3)
    assert all(each.can_sleep for each in found.hosts)


@pytest.mark.parametrize("hours", [12.0, 0.5])
def test_whoever_is_needed_in_time_stays_on(hours: float) -> None:
    """Within the horizon of the policy, or within the time by which hosts are woken: else `wake` wanted it at once."""
    load = IDLE | {"a": (1.0, 14.0, 1.0, 1.0)}
    at_one = datetime(2026, 11, 4, 22, 15, tzinfo=UTC)
    for lead, stays in ((0, hours > 2), (180, True)):
        policy = {"margin_hosts": 0, "horizon_hours": hours, "lead_minutes": lead}
        problem = tiny(GATHERED, hosts={"h1": 40.0, "h2": 40.0}, load=load, sleep=policy)
        (host,) = sleep(problem, problem.initial, at_one).hosts
        words = "it is needed at 2026-11-05 01:00 UTC" if stays else ""
        assert (host.rule, host.words) == ("sleep" if stays else "", words)


@pytest.mark.parametrize("kind", ["pool", "host"])
def test_a_tag_that_holds_keeps_hosts_on(kind: str) -> None:
    """As it does where they are switched off."""
    problem = tiny(GATHERED, hosts={"h1": 40.0, "h2": 40.0}, load=IDLE, sleep=BOLD)
    held = ("rebalancer:hold",)
    hosts = {**problem.pool.hosts, "h2": replace(problem.pool.hosts["h2"], tags=held)}
    pool = replace(problem.pool, hosts=hosts) if kind == "host" else replace(problem.pool, tags=held)
    (host,) = sleep(replace(problem, pool=pool), problem.initial, NOW).hosts
    assert host.rule == "hold"


@pytest.mark.parametrize("margin", [0, 1, 2])
@pytest.mark.parametrize("seed", range(6))
def test_hosts_that_have_to_be_on_are_counted_by_hand(seed: int, margin: int) -> None:
    """So many of them as they are woken, those that are on before the others, are enough, and no fewer are."""
    problem = random_problem(seed)
    hosts = {**problem.pool.hosts, "h2": replace(problem.pool.hosts["h2"], enabled=False)}
    problem = replace(problem, pool=replace(problem.pool, hosts=hosts))
    order = ["h1", "h3", "h2"]
    for slot, needed in enumerate(Supply.of(problem).needed(margin)):
        enough = [count for count in range(1, 4) if fits(problem, order[:count], slot, margin)]
        assert needed == min(enough, default=3)


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
                found = Supply.of(problem).short(awake, margin)
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
    assert Supply.of(dark).short(["h1", "h2"], 1) == Supply.of(problem).short(["h1", "h2"], 1) == (False,) * 4
    assert Supply.of(dark).short(["h1"], 1) == (True,) * 4


def test_an_hour_that_was_higher_than_its_percentile_counts() -> None:
    """All VMs were busy together once, on one day of three: hosts that hold the percentiles alone are too few then."""
    problem = tiny({"a": ("h1", 4.0), "b": ("h1", 4.0)}, hosts={"h1": 40.0, "h2": 40.0}, load=IDLE, sleep=BOLD)
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
    assert [hour for hour, short in enumerate(Supply.of(known).short({"h1"}, 0)) if short] == [5]
    assert not any(Supply.of(known).short({"h1", "h2"}, 0))
    (host,) = sleep(known, known.initial, NOW).hosts
    assert (host.name, host.words) == ("h2", "it is needed at 2026-11-05 05:00 UTC")
    assert not any(Supply.of(replace(known, demand=replace(profile, series=None))).short({"h1"}, 0))

"""What HA has to spare on the way: by hand, by trying every failure, and never below 0 where XAPI finds a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.describe.ha_margin import ha_margins
from rebalancer.inventory import HighAvailability
from rebalancer.plan import HAMargin, Plan, sealed
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.rules.core.kinds import StateLimit
from rebalancer.rules.facts.memory_model import counts_xen_vcpu_pages, start_bytes, static_bytes
from rebalancer.units import GIB
from rebalancer.verify.verify import verify_plan
from tests.plan.made import LATER, goal_of, plan_of
from tests.pools import make_host, make_vm, problem_of

PROTECTED: dict[str, Any] = {"ha_always_run": True, "ha_restart_priority": "restart"}
DOM0_BYTES = 4 * GIB
Where = Mapping[str, tuple[str, ...]]


def problem(
    room_gib: Mapping[str, int], vms: Mapping[str, tuple[str, int, bool]], *, failures: int = 1, enabled: bool = True
) -> Problem:
    """Hosts with room for VMs, VMs of a size on a host, protected or not; HA for so many failures."""
    ha = HighAvailability(
        enabled=enabled, host_failures_to_tolerate=failures, plan_exists_for=failures, allow_overcommit=True
    )
    hosts = [
        make_host(name, memory_total_bytes=room * GIB + DOM0_BYTES, memory_overhead_bytes=0)
        for name, room in room_gib.items()
    ]
    made = [make_vm(name, on=on, gib=gib, **(PROTECTED if keen else {})) for name, (on, gib, keen) in vms.items()]
    return problem_of(hosts=hosts, vms=made, ha=ha)


SMALL = {"a": ("h1", 8, True), "b": ("h1", 4, False), "c": ("h2", 8, True)}
ROOM = {"h1": 40, "h2": 30, "h3": 30}


def planned() -> tuple[Problem, Plan]:
    """A leaves h1 for h2, and h2 has two VMs to lose then."""
    small = problem(ROOM, SMALL)
    return small, plan_of(small, goal_of(small, a="h2"))


def by_trying(now: Problem, where: Where) -> int:
    """The least that is left over, of all failures."""
    vms, hosts = now.pool.vms, now.pool.hosts
    free = {
        name: (host.memory_total_bytes or 0) - sum(static_bytes(vm) for vm in vms.values() if vm.resident_on == name)
        for name, host in hosts.items()
    }
    for vm in now.initial:
        free[now.initial[vm]] += static_bytes(vms[vm])
    for vm, ends in where.items():
        for end in ends:
            free[end] -= static_bytes(vms[vm])
    need = {
        vm: start_bytes(vms[vm], xen_vcpu_pages=counts_xen_vcpu_pages(now.pool))
        for vm in where
        if vms[vm].ha_restart_priority == "restart"
    }
    lefts = [
        sum(max(0, free[host]) for host in hosts if host not in dead)
        - sum(size for vm, size in need.items() if where[vm][0] in dead)
        for dead in combinations(hosts, now.pool.ha.plan_exists_for)
    ]
    return min(lefts)


def states(now: Problem, vm: str, target: str) -> tuple[Where, Where, Where]:
    """Where all are before *vm* goes to *target*, meanwhile, and after it."""
    before: Where = {each: (now.initial[each],) for each in now.initial}
    return before, {**before, vm: (now.initial[vm], target)}, {**before, vm: (target,)}


def test_the_worst_host_is_lost() -> None:
    """By hand, overhead aside: h1 holds 8 protected of 40, so that h2 and h3 are left with 22 + 30 less 8."""
    small, plan = planned()
    (found,) = plan.ha or ()
    assert (found.pool, found.failures, found.least_step) == (small.pool.uuid, 1, "s01")
    before, during, after = states(small, "a", "h2")
    assert found.before_bytes == by_trying(small, before)
    assert found.least_bytes == by_trying(small, during)
    assert found.after_bytes == by_trying(small, after)
    assert found.before_bytes // GIB == 22 + 30 - 8 - 1


@given(
    room=st.lists(st.integers(2, 24), min_size=3, max_size=4),
    vms=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 8), st.booleans()), min_size=1, max_size=5),
    failures=st.integers(1, 2),
)
def test_it_is_what_trying_every_failure_gives(
    room: list[int], vms: list[tuple[int, int, bool]], failures: int
) -> None:
    """While the first VM goes to the last host, too; and where XAPI finds a plan for a state, nothing is lacking."""
    hosts = {f"h{number}": size for number, size in enumerate(room)}
    guests = {f"v{number}": (f"h{on}", size, keen) for number, (on, size, keen) in enumerate(vms)}
    now, target = problem(hosts, guests, failures=failures), f"h{len(room) - 1}"
    template = planned()[1].steps[0]
    step = replace(template, id="s01", vm="v0", source=now.initial["v0"], target=target)
    (found,) = ha_margins([step], now)
    course = states(now, "v0", target)
    right = [by_trying(now, where) for where in course]
    assert (found.before_bytes, found.least_bytes, found.after_bytes) == (right[0], min(right), right[2])
    limits = [bound.limit for bound in Rulebook.of(strict(now)).lasting if bound.rule.id == "ha-plan"]
    for limit in limits:
        assert isinstance(limit, StateLimit)
        assert all(left >= 0 for where, left in zip(course, right, strict=True) if limit.broken(where) is None)


def strict(now: Problem) -> Problem:
    """The same, where HA may not be overcommitted, so that its rule binds."""
    return replace(now, pool=replace(now.pool, ha=replace(now.pool.ha, allow_overcommit=False)))


@pytest.mark.parametrize("off", [{"enabled": False}, {"failures": 0}])
def test_a_pool_that_plans_for_no_failure_has_none(off: dict[str, Any]) -> None:
    """Then there is nothing to tell, which the plan says."""
    small = problem(ROOM, SMALL, **off)
    assert plan_of(small, goal_of(small, a="h2")).ha == ()


@pytest.mark.parametrize("field", ["failures", "before_bytes", "least_bytes", "least_step", "after_bytes", "pool"])
def test_what_is_told_is_checked(field: str) -> None:
    """Any other figure is refused, and so is another pool; a plan that tells nothing is one of an earlier version."""
    small, plan = planned()
    assert verify_plan(plan, small.pool, now=LATER) == ()
    (margin,) = plan.ha or ()
    value = getattr(margin, field)
    edited: dict[str, Any] = {field: value + 1 if isinstance(value, int) else f"{value}0"}
    told: tuple[HAMargin, ...] = (replace(margin, **edited),)
    found = verify_plan(sealed(replace(plan, ha=told)), small.pool, now=LATER)
    assert [each.words.startswith("ha[0]") for each in found] == [True]
    assert verify_plan(sealed(replace(plan, ha=())), small.pool, now=LATER) != ()
    assert verify_plan(sealed(replace(plan, ha=None)), small.pool, now=LATER) == ()

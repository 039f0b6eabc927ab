"""Plans made by hand, without the solver: a pool, where its VMs are to end, and what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import strategies as st

from rebalancer.demand import LoadProfile, Quality
from rebalancer.inventory import Pool
from rebalancer.objectives import OBJECTIVES, Objective
from rebalancer.order.order import Order, find_order
from rebalancer.placement import Migration, Placement
from rebalancer.plan import Plan
from rebalancer.planner.compose import compose
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.solve import Solution
from rebalancer.tier import TierResult
from rebalancer.units import GIB, MIB
from tests.pools import make_host, make_pool, make_vm, policy_of, problem_of

MADE_AT = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)
LATER = MADE_AT + timedelta(hours=1)
DOM0_GIB = 4
XEN_BYTES = 700 * MIB


def pool_with(room_gib: Mapping[str, float], vms: Mapping[str, tuple[str, float]]) -> Pool:
    """Hosts with *room_gib* for guests, and *vms* of a size on a host: `{"a": ("h1", 8)}`."""
    hosts = [
        make_host(name, memory_total_bytes=int((room + DOM0_GIB) * GIB) + XEN_BYTES) for name, room in room_gib.items()
    ]
    return make_pool(hosts=hosts, vms=[make_vm(name, on=host, gib=gib) for name, (host, gib) in vms.items()])


def goal_of(problem: Problem, **moves: str) -> Placement:
    """The placement once *moves* are done: `goal_of(problem, a="h2")`."""
    return Placement({**problem.initial.host_of, **moves})


def order_of(problem: Problem, goal: Placement) -> Order:
    """An order that surely exists."""
    order = find_order(Rulebook.of(problem), goal, seed=1)
    assert isinstance(order, Order)
    return order


def plan_of(problem: Problem, goal: Placement, *, tiers: tuple[str, ...] = (), reason: str = "") -> Plan:
    """The plan that leads to *goal*, claiming the objectives *tiers* with their true values."""
    return plan_along(problem, goal, order_of(problem, goal).migrations, tiers=tiers, reason=reason)


def plan_along(
    problem: Problem, goal: Placement, migrations: Sequence[Migration], *, tiers: tuple[str, ...] = (), reason: str = ""
) -> Plan:
    """The same plan, its migrations being found already."""
    values = tuple(proved(each, problem, goal) for name in tiers for each in OBJECTIVES if each.id == name)
    solution = Solution(placement=goal, tiers=values, outcome="improved", reason=reason)
    return compose(Rulebook.of(problem), solution, migrations, MADE_AT)


def proved(objective: Objective, problem: Problem, goal: Placement) -> TierResult:
    """*objective* before and after, the bound being what is reached."""
    before, after = (objective.value(placement, Rulebook.of(problem)) for placement in (problem.initial, goal))
    return TierResult(
        objective=objective.id,
        sentence=objective.sentence,
        unit=objective.unit,
        before=before,
        after=after,
        bound=after,
        proved=True,
    )


def demand_of(pool: Pool, pcpu: Mapping[str, float], *, busy_slot: int = 14) -> LoadProfile:
    """A day in which each VM uses *pcpu* in one slot, a tenth of it in the others; dom0 uses half a pCPU."""
    vms = tuple(sorted(vm.uuid for vm in pool.resident_guests()))
    day = np.full(24, 0.1)
    day[busy_slot] = 1.0
    return LoadProfile(
        vms=vms,
        hosts=tuple(pool.hosts),
        vm_pcpu=np.array([day * pcpu.get(vm, 1.0) for vm in vms]).reshape(len(vms), 24),
        host_base_pcpu=np.full((len(pool.hosts), 24), 0.5),
        slot_hours=1.0,
        quality=dict.fromkeys(vms, Quality.MEASURED),
        percentile=95.0,
        window_start=MADE_AT - timedelta(days=7),
        window_end=MADE_AT,
        timezone="UTC",
        source="a test",
    )


def swap() -> Problem:
    """Two VMs that want each other's host, where neither fits beside the other; h3 has room for the smaller."""
    pool = pool_with({"h1": 20, "h2": 20, "h3": 11}, {"big": ("h1", 12), "small": ("h2", 10)})
    return problem_of(pool)


@st.composite
def tasks(draw: st.DrawFn, *, most_vms: int = 7, most_hosts: int = 4) -> tuple[Problem, Placement]:
    """A small pool and a placement to reach in it; both fit, some of them tightly, and only XAPI's rules bind."""
    sizes = draw(st.lists(st.integers(1, 8), min_size=1, max_size=most_vms))
    count = draw(st.integers(2, most_hosts))
    before = [draw(st.integers(0, count - 1)) for _ in sizes]
    after = [draw(st.integers(0, count - 1)) for _ in sizes]
    room = {}
    for host in range(count):
        held = max(_held(sizes, before, host), _held(sizes, after, host))
        room[f"h{host}"] = held + draw(st.sampled_from([0.5, 1, 3, 6]))
    vms = {f"v{number}": (f"h{before[number]}", float(size)) for number, size in enumerate(sizes)}
    problem = problem_of(pool_with(room, vms), policy=policy_of(rules={"set": "enforced"}))
    return problem, goal_of(problem, **{f"v{number}": f"h{host}" for number, host in enumerate(after)})


def _held(sizes: list[int], placed: list[int], host: int) -> int:
    """GiB on one host."""
    return sum(size for size, at in zip(sizes, placed, strict=True) if at == host)

"""Hosts become empty although only the other pool has room, and who cannot leave is told what keeps it from there."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from rebalancer.errors import Infeasible
from rebalancer.inventory import HighAvailability, Pool
from rebalancer.placement import Placement
from rebalancer.problem import Problem, pool_at
from rebalancer.units import GIB
from rebalancer.verify.verify import verify_plan
from rebalancer.whatif import Evacuation, evacuate
from rebalancer.whatif.evacuate import emptying
from tests.plan.made import LATER, MADE_AT
from tests.pools import make_network
from tests.solve.carried import accepted
from tests.two_pools import crossing_policy, one_pool, pool_host, pool_vm, two_pools


def emptied(problem: Problem, *hosts: str) -> Evacuation:
    """What comes of emptying *hosts*."""
    return evacuate(problem, hosts, made_at=MADE_AT)


def tight_east() -> Pool:
    """Host e1 with VMs a and b, of 8 and 2 GiB, and e2, on which only b finds room."""
    hosts = [pool_host("e1"), pool_host("e2", memory_total_bytes=9 * GIB)]
    return one_pool("e", pool_vm("a", on="e1", gib=8), pool_vm("b", on="e1"), hosts=hosts)


def test_who_finds_no_room_at_home_goes_over() -> None:
    """The smaller VM goes to the other host by memory alone, the larger one to the other pool with its disk."""
    problem = two_pools(tight_east(), one_pool("w"))
    found = emptied(problem, "e1")
    assert found.plan
    assert {step.vm: step.crossing.pool if step.crossing else "" for step in found.plan.steps} == {"a": "west", "b": ""}
    assert verify_plan(found.plan, problem.pool, now=LATER) == ()


def test_the_way_home_leaves_those_alone_who_went_over() -> None:
    """It brings the others back, is proven, and says of each of them how it comes home."""
    problem = two_pools(tight_east(), one_pool("w"))
    found = emptied(problem, "e1")
    assert found.plan
    assert found.home
    assert [(step.vm, step.target) for step in found.home.steps] == [("b", "e1")]
    assert "VM a stays in pool west: rollback of the plan leads it home, once it is there" in found.home.warnings
    after = pool_at(problem.pool, found.plan.predicted)
    assert verify_plan(found.home, after, now=LATER) == ()


def test_a_fix_names_the_other_pool() -> None:
    """What XenMotion would say of another pool does not matter; what keeps the VM from there does."""
    west = one_pool("w")
    elsewhere = replace(west, networks={"w-lan": replace(make_network("w-lan"), name="elsewhere")})
    found = emptied(two_pools(tight_east(), elsewhere), "e1")
    assert isinstance(found.refused, Infeasible)
    (big,) = found.blocked
    assert [(closed.name, closed.pool) for closed in big.closed] == [("e2", ""), ("w1", "west"), ("w2", "west")]
    assert {each.rule for closed in big.closed[1:] for each in closed.objections} == {"networks-mapped"}
    assert big.fix == "name it in the policy's other_pools.networks, and it may go to pool west"


def test_a_pool_whose_licence_forbids_it_is_named() -> None:
    """Of two licences it is clear which one has to change."""
    found = emptied(two_pools(replace(tight_east(), restrictions={}), one_pool("w")), "e1")
    (big,) = found.blocked
    words = [each.words for each in big.closed[1].objections]
    assert words == ["the licence of pool east does not allow Storage XenMotion"]
    assert big.fix == "apply a licence that does, and it may go to pool west"


def with_failover_plan(gib: float) -> Problem:
    """Host e1 with VMs a and b; over there HA restarts c, on hosts of *gib*, whichever of them fails."""
    ha = HighAvailability(enabled=True, host_failures_to_tolerate=1, plan_exists_for=1, allow_overcommit=False)
    guest = pool_vm("c", on="w1", gib=4, ha_always_run=True, ha_restart_priority="restart")
    hosts = [pool_host(f"w{number}", memory_total_bytes=int(gib * GIB)) for number in (1, 2)]
    east = one_pool("e", pool_vm("a", on="e1"), pool_vm("b", on="e1"), hosts=[pool_host("e1")])
    return two_pools(east, one_pool("w", guest, hosts=hosts, ha=ha), policy=crossing_policy(rules={"set": "enforced"}))


def test_a_failover_plan_over_there_outlives_what_arrives() -> None:
    """Two hosts that c needs as its refuge take one VM each: of all placements only those are accepted that XAPI is.

    Of the 18 where c stays in its pool, two are refused because all three share a host, and two because both others
    fill the host on which c would be restarted.
    """
    problem = with_failover_plan(12)
    goals = list(accepted(problem))
    assert len({tuple(goal.host_of.values()) for goal in goals}) == 14
    found = emptied(problem, "e1")
    assert found.plan
    assert {step.target for step in found.plan.steps} == {"w1", "w2"}
    assert verify_plan(found.plan, problem.pool, now=LATER) == ()
    crowded = replace(
        found.plan, steps=tuple(replace(step, target="w2", target_name="w2") for step in found.plan.steps)
    )
    assert "ha-plan" in {each.rule for each in verify_plan(crowded, problem.pool, now=LATER)}


def test_whom_ha_protects_stays_and_the_manual_wants_it_off() -> None:
    """XAPI's word is about protected VMs; the manual's, about any, can be relaxed."""
    problem = with_failover_plan(16)
    assert emptied(problem, "w1").blocked == ()
    both = emptied(problem, "w1", "w2")
    assert [(each.vm, each.rule) for each in both.blocked] == [("c", "ha-unprotected")]
    assert both.blocked[0].fix.startswith("empty its ha_restart_priority")
    manual = replace(problem, policy=crossing_policy())
    assert {each.rule for each in emptied(manual, "e1").blocked} == {"ha-off"}
    relaxed = replace(problem, policy=crossing_policy(rules={"relax": ["ha-off"]}))
    assert emptied(relaxed, "e1").plan


def random_failover(seed: int) -> Problem:
    """The same with a VM over there that HA restarts on either host."""
    chance = random.Random(seed)
    homes = {name: chance.choice(["e1", "e1", "e2", "w1"]) for name in "abc"}
    east, west = ([pool_vm(name, on=on) for name, on in homes.items() if on[0] == side] for side in "ew")
    west.append(pool_vm("p", on="w1", ha_always_run=True, ha_restart_priority="restart"))
    pools = []
    for side, vms in (("e", east), ("w", west)):
        hosts = [pool_host(f"{side}{number}", memory_total_bytes=chance.choice([8, 10, 16]) * GIB) for number in (1, 2)]
        pools.append(_with_room(one_pool(side, *vms, hosts=hosts), chance))
    ha = HighAvailability(enabled=True, host_failures_to_tolerate=1, plan_exists_for=1, allow_overcommit=False)
    return two_pools(pools[0], replace(pools[1], ha=ha), policy=crossing_policy(rules={"set": "enforced"}))


def random_pools(seed: int) -> Problem:
    """Two pools with four VMs of several sizes, hosts with little memory, and SRs with little room."""
    chance = random.Random(seed)
    homes = {name: chance.choice(["e1", "e1", "e2", "w1"]) for name in "abcd"}
    pools = []
    for side in "ew":
        vms = [pool_vm(name, on=on) for name, on in homes.items() if on[0] == side]
        hosts = [
            pool_host(name, memory_total_bytes=chance.choice([5, 9, 16]) * GIB) for name in (f"{side}1", f"{side}2")
        ]
        pools.append(_with_room(one_pool(side, *vms, hosts=hosts), chance))
    return two_pools(*pools, policy=crossing_policy(rules={"set": "enforced"}))


def _with_room(pool: Pool, chance: random.Random) -> Pool:
    """*pool* with SRs that have room for none, one or two disks more."""
    srs = {
        uuid: replace(sr, physical_size_bytes=sr.physical_utilisation_bytes + chance.choice([0, 45, 90]) * GIB)
        for uuid, sr in pool.srs.items()
    }
    return replace(pool, srs=srs)


@pytest.mark.parametrize("seed", range(16))
@pytest.mark.parametrize("drawn", [random_pools, random_failover])
def test_the_cheapest_evacuation_equals_brute_force(drawn: Callable[[int], Problem], seed: int) -> None:
    """Of all placements over both pools that the checker accepts with e1 empty, none copies less; none, no plan."""
    problem = drawn(seed)
    empty = [goal for goal in accepted(emptying(problem, ["e1"])) if "e1" not in goal.host_of.values()]
    least = min((_gib(problem, goal) for goal in empty), default=None)
    found = emptied(problem, "e1")
    copied = sum(step.copied_bytes for step in found.plan.steps) / GIB if found.plan else None
    assert copied == least


def test_random_evacuations_go_over_and_fail() -> None:
    """Some of these pools need the other one, and some have no way at all."""
    found = [emptied(random_pools(seed), "e1") for seed in range(16)]
    plans = [each.plan for each in found if each.plan]
    assert sum(any(step.crossing for step in plan.steps) for plan in plans) >= 3
    assert sum(each.plan is None for each in found) >= 2


def _gib(problem: Problem, goal: Placement) -> float:
    """GiB copied on the way to *goal*: memory, and disks of 20 GiB."""
    return sum(2 + 20 * len(move.disks) for move in problem.initial.moves_to(goal))

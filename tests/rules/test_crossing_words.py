"""What is said of moves to another pool: which pool is meant, and what would let the VM go."""

from __future__ import annotations

from typing import Any

import pytest

from rebalancer.placement import DiskMove, Migration
from rebalancer.policy.sections import OtherPoolsPolicy
from rebalancer.problem import make_problem
from tests.rules.crossing_rows import HA_ON, LICENCE_LESS, TO_WEST, Row
from tests.two_pools import one_pool, pool_vm, two_pools, ways_between

NOWHERE = OtherPoolsPolicy()


@pytest.mark.parametrize(
    ("rule", "side", "changes", "alone", "joined"),
    [
        ("ha-off", "east", {"ha": HA_ON}, "HA is on", "HA is on in pool east"),
        ("ha-off", "west", {"ha": HA_ON}, "", "HA is on in pool west"),
        (
            "storage-licence",
            "east",
            LICENCE_LESS,
            "the pool's licence does not allow Storage XenMotion",
            "the licence of pool east does not allow Storage XenMotion",
        ),
    ],
)
def test_of_two_pools_the_one_that_is_meant_is_named(
    rule: str, side: str, changes: dict[str, Any], alone: str, joined: str
) -> None:
    """Which HA is on, and whose licence it is; of one pool alone no name is needed."""
    in_side: dict[str, Any] = {side: changes}
    problem = Row(rule=rule, legal=False, **in_side).problem()
    assert {each.words for each in ways_between(problem).objections(TO_WEST) if each.rule == rule} == {joined}
    home = make_problem(problem.pool.members[0], None, problem.policy.model_copy(update={"other_pools": NOWHERE}))
    disk = DiskMove(drive="web-xvd0", source="e-shared", target="e-l2")
    inside = Migration(vm="web", source="e1", target="e2", disks=(disk,))
    assert {each.words for each in ways_between(home).objections(inside) if each.rule == rule} == {alone} - {""}


def test_a_network_that_the_host_is_not_on_may_be_led_elsewhere() -> None:
    """The words name the network, and the fix is the policy's map."""
    problem = Row(rule="", legal=True, target={"pifs": ()}).problem()
    (objection,) = [each for each in ways_between(problem).objections(TO_WEST) if each.rule == "networks-there"]
    assert objection.words == "comes to network 'lan', on which the host has no ordinary PIF"
    assert objection.remedy == "lead it elsewhere by the policy's other_pools.networks"


def test_whom_ha_protects_is_told_where() -> None:
    """The pool where HA is on, that of the VM first."""
    for side, pool in (("east", "east"), ("west", "west")):
        in_side: dict[str, Any] = {side: {"ha": HA_ON}}
        problem = Row(rule="", legal=True, vm={"ha_always_run": True}, **in_side).problem()
        found = [each for each in ways_between(problem).objections(TO_WEST) if each.rule == "ha-unprotected"]
        assert [each.words for each in found] == [f"HA is on in pool {pool}, and protects the VM"]


def test_a_vm_without_disks_is_told_why_it_stays() -> None:
    """There is nothing that would make it a Storage XenMotion, and the words say so."""
    problem = two_pools(one_pool("e", pool_vm("a", on="e1", vbds=())), one_pool("w"))
    move = Migration(vm="a", source="e1", target="w1")
    (objection, *_) = ways_between(problem).objections(move)
    assert objection.rule == "same-pool"
    assert objection.words == "has no disk, and plans take VMs to another pool, west, only with disks"

"""Small pools that keep hosts to spare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rebalancer.problem import Problem
from rebalancer.rules import PoolRule, Rulebook, Violation, rules_for
from rebalancer.rules.availability.restarts import Restarts
from rebalancer.units import GIB
from tests.pools import make_host, make_vm, policy_of, problem_of

KEPT = {"ha_restart_priority": "restart"}


def spare_pool(
    room: Mapping[str, float],
    vms: tuple[Any, ...],
    *,
    hosts: int = 1,
    which: str = "all",
    **fields: Any,  # noqa: ANN401
) -> Problem:
    """Hosts of such room in GiB beside dom0, and half a GiB for what VMs take beyond their memory."""
    machines = [
        make_host(name, memory_total_bytes=int((4.5 + gib) * GIB), memory_overhead_bytes=0)
        for name, gib in room.items()
    ]
    policy = policy_of(spare={"hosts": hosts, "vms": which})
    return problem_of(hosts=machines, vms=vms, policy=policy, **fields)


def spare_rule(problem: Problem) -> list[PoolRule]:
    """The rule alone."""
    return [rule for rule in rules_for(problem) if isinstance(rule, PoolRule) and rule.id == "spare"]


def restarts_of(problem: Problem) -> Restarts:
    """What the rule judges by."""
    (limit,) = spare_rule(problem)[0].limits(problem)
    assert isinstance(limit, Restarts)
    return limit


def standing(problem: Problem) -> tuple[Violation, ...]:
    """What the rule says is broken tonight."""
    return Rulebook(problem, spare_rule(problem)).violations(problem.initial)


def moves(problem: Problem, vm: str, host: str) -> list[str]:
    """What the rule says of a move tonight."""
    return [each.words for each in Rulebook(problem, spare_rule(problem)).ledger(problem.initial).objections(vm, host)]


THREE = {"h1": 8, "h2": 8, "h3": 8}
TALL = tuple(make_vm(f"t{number}", on=f"h{number}", gib=8) for number in range(1, 4))
TIGHT = (make_vm("a", on="h1", gib=4), make_vm("b", on="h2", gib=5), make_vm("c", on="h3", gib=3))

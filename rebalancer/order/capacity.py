"""What hosts hold, in whole numbers: limits of single hosts that hold at every step, without the rules behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rebalancer.inventory import Uuid
from rebalancer.problem import Problem
from rebalancer.rules import PoolRule, Row, Rule, When


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What limits of one kind allow, and what VMs weigh.

    Args:
        rule: the id of the rule.
        upper: the most that each host holds, in the order of the pool's hosts.
        resident: what each VM weighs where it is.
        arrival: what each VM weighs where it comes.
    """

    rule: str
    upper: tuple[int, ...]
    resident: tuple[int, ...]
    arrival: tuple[int, ...]

    def room(self, at: Sequence[int]) -> tuple[int, ...]:
        """What is left on each host while every VM is on the host that *at* says, by number."""
        left = list(self.upper)
        for weight, host in zip(self.resident, at, strict=True):
            left[host] -= weight
        return tuple(left)


def weights_of(problem: Problem, rules: Sequence[Rule], vms: Sequence[Uuid]) -> tuple[Weights, ...]:
    """One for each pair of weights that rows share, with the tightest limit of each host."""
    return tuple(_of_group(group, list(problem.pool.hosts), vms) for group in _groups(problem, rules))


def _groups(problem: Problem, rules: Sequence[Rule]) -> Iterator[list[tuple[Rule, Row]]]:
    """Hard rows of single hosts that hold at every step, those with the same weights together."""
    found: dict[tuple[int, int], list[tuple[Rule, Row]]] = {}
    for rule in rules:
        if isinstance(rule, PoolRule) and rule.when is When.EVERY_STEP:
            for row in rule.limits(problem):
                if isinstance(row, Row) and row.hard and len(row.places) == 1 and row.places <= set(problem.pool.hosts):
                    found.setdefault((id(row.weights), id(row.arrival_weights)), []).append((rule, row))
    yield from found.values()


def _of_group(group: Sequence[tuple[Rule, Row]], hosts: Sequence[Uuid], vms: Sequence[Uuid]) -> Weights:
    """Rows that share their weights."""
    rule, first = group[0]
    unlimited = sum(first.weights.values()) + sum(first.arrival_weights.values())
    upper = dict.fromkeys(hosts, unlimited)
    for _, row in group:
        for host in row.places:
            upper[host] = min(upper[host], row.upper)
    return Weights(
        rule=rule.id,
        upper=tuple(upper.values()),
        resident=tuple(first.weights.get(vm, 0) for vm in vms),
        arrival=tuple(first.arrival_weights.get(vm, 0) for vm in vms),
    )

"""What hosts hold at every step, in whole numbers: the limits of single hosts, without the rules behind them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rebalancer.inventory import Uuid
from rebalancer.rules.core.kinds import Bound, Row, Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityRow:
    """What limits that share their weights allow, and what VMs weigh.

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


def capacity_rows(limits: Iterable[Bound], hosts: Sequence[Uuid], vms: Sequence[Uuid]) -> tuple[CapacityRow, ...]:
    """The hard rows of single hosts among *limits*, one for all that share their weights, the tightest on each host."""
    found: dict[Weights, list[tuple[Bound, Row]]] = {}
    for bound in limits:
        row = bound.limit
        if isinstance(row, Row) and row.hard and len(row.places) == 1 and row.places <= set(hosts):
            found.setdefault(row.weights, []).append((bound, row))
    return tuple(_of_group(weights, group, hosts, vms) for weights, group in found.items())


def _of_group(
    weights: Weights, group: Sequence[tuple[Bound, Row]], hosts: Sequence[Uuid], vms: Sequence[Uuid]
) -> CapacityRow:
    unlimited = sum(weights.resident.values()) + sum(weights.arrival.values())
    upper = dict.fromkeys(hosts, unlimited)
    for _, row in group:
        for host in row.places:
            upper[host] = min(upper[host], row.most)
    return CapacityRow(
        rule=group[0][0].rule.id,
        upper=tuple(upper.values()),
        resident=tuple(weights.resident.get(vm, 0) for vm in vms),
        arrival=tuple(weights.arrival.get(vm, 0) for vm in vms),
    )

"""No host uses more than a share of its capacity."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, PoolRule, Row, Weights, When
from rebalancer.rules.facts.loads import PARTS, Resource, limited_resources
from rebalancer.rules.facts.totals import at_the_start
from rebalancer.slots import Slots


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadRow(Row):
    """What a host uses in one of so many slots, beside `own`, what it uses itself; all in parts of a unit."""

    own: int
    capacity: int
    ceiling: float
    slot: int
    slots: Slots

    @property
    def series(self) -> Hashable:
        """All slots of a host and a resource."""
        return self.subject

    def words(self, value: int) -> str:
        """As shares of the capacity."""
        share = (value + self.own) / self.capacity if self.capacity else float(value + self.own > 0)
        return f"{self.subject}: {share:.1%} at {self.slots.words(self.slot)}, at most {self.ceiling:.1%}"


class HostLoad(PoolRule):
    """The share of capacity is a limit at every step: who is on the way counts on both hosts.

    So a run that stops half-way leaves no host above it either. What a host uses tonight it may go on using, slot by
    slot, and it never rises beyond that.
    """

    id = "host-load"
    sentence = "No host uses more of its capacity than the policy says, in any slot, or no more than it does now."
    source = "the policy's limits.host_load"
    origin = Origin.POLICY
    binds_way_back = False
    when = When.EVERY_STEP

    def limits(self, problem: Problem) -> tuple[LoadRow, ...]:
        """One row for each resource, host and slot that all VMs together could fill, in parts of a unit."""
        return tuple(row for resource in limited_resources(problem) for row in _rows(resource, problem))

    def refusal(self, row: Row, held: int, joining: int) -> Objection:
        """With the key of the policy as the fix."""
        remedy = "raise limits.host_load in the policy"
        return self.objection(row.words(held + joining), remedy=remedy, disruption=Disruption.POLICY)


def _rows(resource: Resource, problem: Problem) -> Iterator[LoadRow]:
    for slot in range(resource.slots.count):
        weights = {vm: resource.vms[vm][slot] for vm in problem.initial if resource.vms[vm][slot]}
        everything, start = sum(weights.values()), at_the_start(problem, weights)
        shared = Weights.same(weights)
        for host, capacity in resource.capacity.items():
            own = resource.own[host][slot]
            upper = resource.room(host, slot)
            if everything > upper:
                yield LoadRow(
                    subject=f"{resource.name} load of host '{problem.names.hosts[host]}'",
                    places=frozenset({host}),
                    weights=shared,
                    upper=upper,
                    unit=PARTS,
                    start=start[host],
                    own=own,
                    capacity=capacity,
                    ceiling=resource.ceiling,
                    slot=slot,
                    slots=resource.slots,
                )

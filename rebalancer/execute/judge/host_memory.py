"""Whether the hosts hold what the plan predicted, by XAPI's own count, once steps are done."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from rebalancer.inventory import Names, Pool, Uuid
from rebalancer.plan import Plan, Step
from rebalancer.rules.facts.memory_model import resident_bytes
from rebalancer.units import MIB, size_in_words

TELLS_FROM = 64 * MIB
"""Less is no finding: XAPI computes anew what a VM takes beyond its own memory where it comes to another pool."""


@dataclass(slots=True)
class HostMemoryComparison:
    """Compares the hosts of *plan* with what it predicted, apart from how they differed when the run began."""

    plan: Plan
    apart: dict[Uuid, int]
    _told: dict[Uuid, int] = field(default_factory=dict)

    @classmethod
    def begun(cls, plan: Plan, pool: Pool, done: Collection[str]) -> HostMemoryComparison:
        """As a run finds *pool*, where the steps in *done* are made: how it differs by then is told already."""
        held, predicted = held_by_hosts(pool), predicted_by(plan, done)
        return cls(plan, {host: held[host] - size for host, size in predicted.items() if host in held})

    def unlike(self, pool: Pool, done: Collection[str], flying: Collection[str]) -> Iterator[str]:
        """One sentence a host that holds something else than was predicted; none where a step is on its way."""
        held, predicted, names = held_by_hosts(pool), predicted_by(self.plan, done), Names(pool).hosts
        busy = {host for step in self.plan.steps if step.id in flying for host in (step.source, step.target)}
        for host in sorted((self.apart.keys() & held.keys()) - busy, key=lambda host: (names[host], host)):
            expected = predicted[host] + self.apart[host]
            off = held[host] - expected
            if abs(off) >= TELLS_FROM and abs(off - self._told.get(host, 0)) >= TELLS_FROM:
                self._told[host] = off
                sizes = f"{size_in_words(held[host])} by XAPI's count, and {size_in_words(expected)} was predicted"
                yield f"the VMs on host {names[host]} hold {sizes}: others came, left or were resized"


def held_by_hosts(pool: Pool) -> dict[Uuid, int]:
    """Bytes that the guests on each host hold by XAPI's count."""
    held = dict.fromkeys(pool.hosts, 0)
    for vm in pool.resident_guests():
        if vm.resident_on is not None:
            held[vm.resident_on] += resident_bytes(vm)
    return held


def predicted_by(plan: Plan, done: Collection[str]) -> dict[Uuid, int]:
    """Bytes that *plan* predicts for each of its hosts once the steps in *done* are made, in whatever order."""
    held = {row.uuid: row.before.memory_used_bytes for row in plan.hosts}
    for step in plan.steps:
        if step.id in done:
            held[step.source] -= _counted(step)
            held[step.target] += _counted(step)
    return held


def _counted(step: Step) -> int:
    """What the VM of *step* counts: what its source holds less once it has left."""
    source = next(each for each in step.hosts if each.host == step.source)
    return source.during_bytes - source.after_bytes

"""Where a VM should start: the hosts of a pool, best first, what each costs, and what others have against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from rebalancer.inventory import Uuid
from rebalancer.objectives import LoadCost, cpu_capacities, host_load
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules import Objection, Row, Rulebook
from rebalancer.rules.facts.memory_rows import MemoryRow
from rebalancer.units import first_few, gib
from rebalancer.whatif.newcomers.newcomer import Kind, Newcomer, newcomers
from rebalancer.whatif.newcomers.starts import Starts

SHOWN = 3
"""Wishes that a reason names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A host for a VM that is to start.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> (found,) = rb.place(model, rb.Shape(vcpus=4, memory_gib=8, load=1.5))
        >>> best = found.spots[0]
        >>> best.host, best.allowed, best.load_cost
        ('birch', True, 0.0)

    Args:
        host: its name.
        host_uuid: its uuid.
        refusals: what rules say against it; the VM may start where there are none.
        wishes: soft wishes that it would break, in words.
        load_cost: weighted pCPU-hours a day (or a week of slots) by which the load cost of the pool rises; None without
            metrics.
        cpu_peak: the highest load of the host then, as a share of the CPU that plans count on; None without metrics, or
            where that is not known.
        busiest: the slot of that peak, in words; empty without metrics.
        memory_free_gib: memory left there then, by the tightest rule on memory; below 0 where it is too little.
    """

    host: str
    host_uuid: Uuid
    refusals: tuple[Objection, ...]
    wishes: tuple[str, ...]
    load_cost: float | None
    cpu_peak: float | None
    busiest: str
    memory_free_gib: float

    @property
    def allowed(self) -> bool:
        """Whether the VM may start there."""
        return not self.refusals

    @property
    def reason(self) -> str:
        """Why it stands where it stands, in words."""
        if self.refusals:
            return "; ".join(each.words for each in self.refusals)
        load = "" if self.cpu_peak is None else f"CPU up to {self.cpu_peak:.0%} at {self.busiest}, "
        cost = f", load cost +{self.load_cost:.2f}" if self.load_cost else ""
        broken = f", breaks {first_few(self.wishes, SHOWN)}" if self.wishes else ""
        return f"{load}{self.memory_free_gib:.1f} GiB of memory left{cost}{broken}"

    def as_json(self) -> dict[str, object]:
        """Plain values for programs."""
        refusals = [{"rule": each.rule, "code": each.code, "words": each.words} for each in self.refusals]
        return {**asdict(self), "allowed": self.allowed, "reason": self.reason, "refusals": refusals}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A VM that is to start, and all hosts for it.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> (found,) = rb.place(model, rb.Shape(vcpus=4, memory_gib=8, load=1.5))
        >>> found.vm, found.host
        ('new #1', 'birch')

    Args:
        vm: its name.
        vm_uuid: its uuid; one that is made up for a VM that does not exist yet.
        spots: all hosts: those that are open first, the best at the top.
        host: where it is placed; None where no host is open.
    """

    vm: str
    vm_uuid: Uuid
    spots: tuple[Spot, ...]
    host: str | None

    def as_json(self) -> dict[str, object]:
        """Plain values for programs."""
        spots = [each.as_json() for each in self.spots]
        return {"vm": self.vm, "vm_uuid": self.vm_uuid, "host": self.host, "spots": spots}


def place(problem: Problem, kind: Kind, count: int = 1) -> tuple[Place, ...]:
    """Where *count* VMs of a *kind* should start, one after another, nobody else being moved.

    A halted VM comes as itself. Open hosts stand in the order of the wishes that they break, of what the load cost
    rises by, of their highest load, and of the memory that they have left. Each VM counts for those after it.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> (found,) = rb.whatif.place(model.problem, model.vm("web-010"))
        >>> [spot.host for spot in found.spots if spot.allowed]
        ['birch', 'beech', 'alder', 'aspen', 'ash']

    Raises:
        InputError: the kind is no guest, or its SR or network is not there.
        PolicyError: the policy contradicts itself once they are there.
    """
    return places(problem, newcomers(kind, count, problem.pool))


def places(problem: Problem, coming: Sequence[Newcomer]) -> tuple[Place, ...]:
    """Where each of *coming* should start, in their order; see `place`."""
    starts, found = Starts(problem, coming), []
    for each in coming:
        spots = spots_for(starts, each.vm.uuid)
        best = spots[0] if spots and spots[0].allowed else None
        if best:
            starts.joined(each.vm.uuid, best.host_uuid)
        found.append(Place(vm=each.vm.name, vm_uuid=each.vm.uuid, spots=spots, host=best.host if best else None))
    return tuple(found)


def spots_for(starts: Starts, vm: Uuid) -> tuple[Spot, ...]:
    """All hosts for *vm*, the best first."""
    judged = _Judging(starts, vm)
    return tuple(sorted((judged.spot(row, host) for row, host in enumerate(starts.problem.pool.hosts)), key=_rank))


def _rank(spot: Spot) -> tuple[bool, int, float, float, float, str, Uuid]:
    cost, peak = round(spot.load_cost or 0.0, 6), round(spot.cpu_peak or 0.0, 6)
    return not spot.allowed, len(spot.wishes), cost, peak, -spot.memory_free_gib, spot.host, spot.host_uuid


class _Judging:
    """What hosts are like once *vm* runs there."""

    def __init__(self, starts: Starts, vm: Uuid) -> None:
        self._starts, self._vm = starts, vm
        self._problem, self._book = starts.problem, starts.book
        self._now = starts.placement
        self._broken = self._soft(self._now)
        self._cost = None if self._problem.demand is None else LoadCost().value(self._now, self._book)
        self._capacities = cpu_capacities(self._problem)
        self._memory = _memory_left(self._book, self._now)

    def spot(self, row: int, host: Uuid) -> Spot:
        """The host in a *row* of the pool."""
        after = self._starts.at(self._vm, host)
        peak, busiest = self._peak(row, after)
        return Spot(
            host=self._problem.names.hosts[host],
            host_uuid=host,
            refusals=self._starts.against(self._vm, host),
            wishes=tuple(sorted(self._soft(after) - self._broken)),
            load_cost=None if self._cost is None else max(0.0, LoadCost().value(after, self._book) - self._cost),
            cpu_peak=peak,
            busiest=busiest,
            memory_free_gib=gib(self._left(host)),
        )

    def _peak(self, row: int, after: Placement) -> tuple[float | None, str]:
        if self._problem.demand is None or not self._capacities[row]:
            return None, ""
        load: NDArray[np.float64] = host_load(after, self._problem)[row]
        slot = int(load.argmax())
        return float(load[slot] / self._capacities[row]), self._problem.demand.when.words(slot)

    def _left(self, host: Uuid) -> int:
        found = [left - row.weights.arrival.get(self._vm, 0) for row, left in self._memory.get(host, [])]
        return min(found, default=0)

    def _soft(self, placement: Placement) -> set[str]:
        """Soft wishes that are broken, in words that do not count by how much."""
        soft = [bound for bound in self._book.limits if not getattr(bound.limit, "hard", True)]
        if not soft:
            return set()
        found = Rulebook(self._problem, (), limits=soft).violations(placement)
        return {each.words.partition(":")[0] for each in found}


def _memory_left(book: Rulebook, placement: Placement) -> dict[Uuid, list[tuple[Row, int]]]:
    """By host, its limits on memory and the bytes that each has left."""
    there = placement.vms_by_host()
    found: dict[Uuid, list[tuple[Row, int]]] = {}
    for bound in book.limits:
        row = bound.limit
        if isinstance(row, MemoryRow):
            (host,) = row.places
            held = sum(row.weights.resident.get(vm, 0) for vm in there.get(host, ()))
            found.setdefault(host, []).append((row, row.upper - held))
    return found

"""Whether VMs fit on hosts all at once, each only where it may run: exact, as far as its effort goes.

Two quick ways are tried first, then every way that differs. What is neither found nor excluded within the effort counts
as not found, and says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from rebalancer.inventory import Uuid

MOST_STATES = 4000
"""States that the search looks at before it gives up."""

MOST_VMS = 400
"""VMs beyond which only the quick ways are tried: the search goes one call deeper for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What came of it: the host of every VM, or None; `proved` where it is certain that there is no way."""

    host_of: Mapping[Uuid, Uuid] | None
    proved: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """The bytes that VMs need, and the hosts that each may run on."""

    size: Mapping[Uuid, int]
    targets: Mapping[Uuid, frozenset[Uuid]]


def pack(vms: Collection[Uuid], items: Items, free: Mapping[Uuid, int]) -> Packed:
    """A host for each of *vms*, if there is one for all of them in the *free* bytes."""
    order = sorted(vms, key=lambda vm: (-items.size[vm], len(items.targets[vm]), vm))
    for fullest_first in (False, True):
        found = _quick(order, items, free, fullest_first=fullest_first)
        if found is not None:
            return Packed(host_of=found)
    if excluded(order, items, free):
        return Packed(host_of=None)
    if len(order) > MOST_VMS:
        return Packed(host_of=None, proved=False)
    return _Search(order=order, items=items, free=dict(free)).packed()


def excluded(vms: Collection[Uuid], items: Items, free: Mapping[Uuid, int]) -> bool:
    """Whether sums alone speak against it: too many bytes, or too many VMs of some size or more."""
    open_to = frozenset[Uuid]().union(*(items.targets[vm] for vm in vms))
    rooms = [room for host, room in free.items() if host in open_to]
    if sum(items.size[vm] for vm in vms) > sum(room for room in rooms if room > 0):
        return True
    sizes = sorted((items.size[vm] for vm in vms), reverse=True)
    counts = {size: number for number, size in enumerate(sizes, 1)}
    return any(number > sum(room // size for room in rooms if room > 0) for size, number in counts.items() if size > 0)


def _quick(
    order: list[Uuid], items: Items, free: Mapping[Uuid, int], *, fullest_first: bool
) -> dict[Uuid, Uuid] | None:
    """Each in its turn onto the host with most room, or with the least that is enough."""
    left = dict(free)
    found: dict[Uuid, Uuid] = {}
    for vm in order:
        size, targets = items.size[vm], items.targets[vm]
        rooms = [(room, host) for host, room in left.items() if room >= size and host in targets]
        if not rooms:
            return None
        host = (min(rooms) if fullest_first else max(rooms))[1]
        left[host] -= size
        found[vm] = host
    return found


@dataclass(slots=True, kw_only=True, eq=False)
class _Search:
    """Depth first, biggest VM first, tightest host first; states that differ in names only are looked at once."""

    order: list[Uuid]
    items: Items
    free: dict[Uuid, int]
    found: dict[Uuid, Uuid] = field(default_factory=dict)
    seen: set[tuple[int, tuple[tuple[int, int], ...]]] = field(default_factory=set)
    kind: dict[Uuid, int] = field(default_factory=dict)

    def packed(self) -> Packed:
        """The way, or whether there is none."""
        kinds: dict[tuple[bool, ...], int] = {}
        for host in self.free:
            takes = tuple(host in self.items.targets[vm] for vm in self.order)
            self.kind[host] = kinds.setdefault(takes, len(kinds))
        if self._place(0):
            return Packed(host_of=self.found)
        return Packed(host_of=None, proved=len(self.seen) < MOST_STATES)

    def _place(self, number: int) -> bool:
        """Whether all VMs from *number* on were placed."""
        if number == len(self.order):
            return True
        state = number, tuple(sorted((self.kind[host], room) for host, room in self.free.items()))
        if state in self.seen or len(self.seen) >= MOST_STATES:
            return False
        self.seen.add(state)
        vm = self.order[number]
        for host in self._candidates(vm):
            self.free[host] -= self.items.size[vm]
            self.found[vm] = host
            if self._place(number + 1):
                return True
            self.free[host] += self.items.size[vm]
            del self.found[vm]
        return False

    def _candidates(self, vm: Uuid) -> Iterator[Uuid]:
        """Hosts that *vm* fits, one of each kind and room, tightest first."""
        size, targets = self.items.size[vm], self.items.targets[vm]
        alike = {(room, self.kind[host]): host for host, room in self.free.items() if room >= size and host in targets}
        yield from (host for _, host in sorted(alike.items()))

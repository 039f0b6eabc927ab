"""Whether VMs fit on hosts all at once, each only where it may run: exact, as far as its effort goes.

Quick ways are tried first, then every way to fill one host after the other. What is
neither found nor excluded within the effort counts as not found, and says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from math import gcd

from rebalancer.inventory import Uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What came of it: the host of every VM, or None; `proved` where it is certain that there is no way."""

    host_of: Mapping[Uuid, Uuid] | None
    proved: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """The bytes that VMs need, the hosts that each may run on, and in which order they are placed: hardest first."""

    size: Mapping[Uuid, int]
    targets: Mapping[Uuid, frozenset[Uuid]]
    rank: Mapping[Uuid, int]

    @classmethod
    def of(cls, size: Mapping[Uuid, int], targets: Mapping[Uuid, frozenset[Uuid]]) -> Items:
        """The biggest first, of these those with the fewest hosts."""
        order = sorted(size, key=lambda vm: (-size[vm], len(targets[vm]), vm))
        return cls(size=size, targets=targets, rank={vm: number for number, vm in enumerate(order)})

    def kind(self, vm: Uuid) -> Kind:
        """What VMs have in common that may take each other's places."""
        return self.size[vm], self.targets[vm]


Kind = tuple[int, frozenset[Uuid]]
Fillings = tuple[tuple[Uuid, tuple[int, ...]], ...]
"""How many VMs of each kind go to each of some hosts."""


def pack(vms: Collection[Uuid], items: Items, free: Mapping[Uuid, int], *, known: Mapping[Uuid, Uuid]) -> Packed:
    """A host for each of *vms*, if all of them fit in the *free* bytes; first where they are *known* to have fitted."""
    order = sorted(vms, key=items.rank.__getitem__)
    found = _repaired(order, items, free, known) or _quick(order, items, free)
    return _searched(order, items, free) if found is None else Packed(host_of=found)


def _repaired(
    order: Sequence[Uuid], items: Items, free: Mapping[Uuid, int], known: Mapping[Uuid, Uuid]
) -> dict[Uuid, Uuid] | None:
    """Each where it is *known* to fit, as far as it does, and then the others."""
    left, kept = dict(free), dict[Uuid, Uuid]()
    for vm in order:
        host = known.get(vm, "")
        if left.get(host, 0) >= items.size[vm]:
            left[host] -= items.size[vm]
            kept[vm] = host
    others = _quick([vm for vm in order if vm not in kept], items, left)
    return None if others is None else kept | others


def _quick(order: Sequence[Uuid], items: Items, free: Mapping[Uuid, int]) -> dict[Uuid, Uuid] | None:
    """Each in its turn onto the host with most room."""
    left = dict(free)
    found: dict[Uuid, Uuid] = {}
    for vm in order:
        size, targets = items.size[vm], items.targets[vm]
        rooms = [(room, host) for host, room in left.items() if room >= size and host in targets]
        if not rooms:
            return None
        host = max(rooms)[1]
        left[host] -= size
        found[vm] = host
    return found


def _searched(order: Sequence[Uuid], items: Items, free: Mapping[Uuid, int]) -> Packed:
    counts = Counter(items.kind(vm) for vm in order)
    rooms = sorted((_fullest(host, counts, room), host) for host, room in free.items())
    fillings, proved = _filled(tuple(counts), tuple(counts.values()), tuple(rooms))
    if fillings is None:
        return Packed(host_of=None, proved=proved)
    members = {kind: [vm for vm in order if items.kind(vm) == kind] for kind in counts}
    places = (
        (kind, host)
        for host, taken in fillings
        for kind, count in zip(counts, taken, strict=True)
        for _ in range(count)
    )
    return Packed(host_of={members[kind].pop(): host for kind, host in places})


@lru_cache(maxsize=4096)
def _filled(
    kinds: tuple[Kind, ...], waiting: tuple[int, ...], rooms: tuple[tuple[int, Uuid], ...]
) -> tuple[Fillings | None, bool]:
    """What a search finds, and whether it is certain; states of a pool that differ elsewhere ask the same again."""
    search = _Search(kinds=kinds, rooms=rooms)
    needed = sum(size * count for (size, _), count in zip(kinds, waiting, strict=True))
    found = search.fill(0, waiting, sum(room for room, _ in rooms) - needed)
    return (tuple(search.found) if found else None), search.sure


@dataclass(slots=True, kw_only=True, eq=False)
class _Search:
    """Fills one host after the other in every way that leaves no room for anybody who is left.

    What is not filled is wasted, and no more may be wasted than there is to spare (bin completion: Korf, AAAI 2002).

    Args:
        kinds: the kinds of VMs, hardest first.
        rooms: hosts with the most bytes that could be filled there, smallest first.
        found: how many of each kind go to the hosts that were filled so far.
        seen: hosts and who was waiting for them and the next, all in vain.
        most: parts of fillings that are looked at before the search gives up.
        effort: those that were looked at.
    """

    kinds: tuple[Kind, ...]
    rooms: tuple[tuple[int, Uuid], ...]
    found: list[tuple[Uuid, tuple[int, ...]]] = field(default_factory=list)
    seen: set[tuple[int, tuple[int, ...]]] = field(default_factory=set)
    most: int = 20_000
    effort: int = 0

    @property
    def sure(self) -> bool:
        return self.effort <= self.most

    def fill(self, number: int, waiting: tuple[int, ...], spare: int) -> bool:
        """Whether all that is *waiting* was placed from host *number* on, with *spare* bytes to waste."""
        if not any(waiting):
            return True
        if spare < 0 or (number, waiting) in self.seen or self._too_many(number, waiting):
            return False
        self.seen.add((number, waiting))
        room, host = self.rooms[number]
        for left, taken in self._fillings(host, room, waiting, room + 1):
            self.found.append((host, taken))
            if self.fill(number + 1, tuple(a - b for a, b in zip(waiting, taken, strict=True)), spare - left):
                return True
            self.found.pop()
        return False

    def _too_many(self, number: int, waiting: tuple[int, ...]) -> bool:
        """Whether the hosts from *number* on have fewer places of some size than VMs wait that are as big or bigger."""
        rooms = [room for room, _ in self.rooms[number:]]
        counts = zip(self.kinds, accumulate(waiting), strict=True)
        return any(count > sum(room // size for room in rooms) for (size, _), count in counts)

    def _fillings(
        self, host: Uuid, room: int, waiting: tuple[int, ...], below: int
    ) -> Iterator[tuple[int, tuple[int, ...]]]:
        """How many of each of the last kinds go to *host*, so that fewer than *below* bytes are left; and how many."""
        self.effort += 1
        if self.effort > self.most:
            return
        if not waiting:
            yield from [(room, ())] if room < below else []
            return
        size, targets = self.kinds[-len(waiting)]
        most = min(waiting[0], room // size) if host in targets else 0
        for count in range(most, -1, -1):
            tight = below if count == most else min(below, size)
            for left, others in self._fillings(host, room - count * size, waiting[1:], tight):
                yield left, (count, *others)


def _fullest(host: Uuid, counts: Mapping[Kind, int], room: int) -> int:
    """The most bytes of *room* that VMs which may run on *host* fill: bit n is set where n grains can be."""
    sizes = [size for (size, targets), count in counts.items() if host in targets for _ in range(count)]
    if sum(sizes) <= room:
        return sum(sizes)
    grain, sums = gcd(*sizes), 1
    fitting = (2 << room // grain) - 1
    for size in sizes:
        sums |= sums << size // grain & fitting
    return (sums.bit_length() - 1) * grain

"""XAPI's own answer to the question whether the VMs of failed hosts fit on the others.

`binpack.ml`: biggest VM first, always onto the host with the most room; every order in which that many hosts can fail
where there are few, else one worst case. It is no exact packing, and must not be: the rule is what XAPI says.
"""

from __future__ import annotations

from bisect import insort_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import filterfalse
from math import comb, factorial

from rebalancer.inventory import Uuid

MOST_HOSTS = 32
MOST_ORDERS = 3500
"""With more hosts, or this many orders of failure, XAPI looks at the worst case only (`choose_heuristic`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """Live hosts with their free bytes, protected VMs with theirs, and where those are that run.

    Args:
        free: by live host, in the order of uuids; may be negative.
        sizes: bytes that each protected VM needs to start.
        placed: the live host of each protected VM that has one.
        hosts: how many hosts the pool has, live or not.
        failures: how many of them may fail.
    """

    free: Mapping[Uuid, int]
    sizes: Mapping[Uuid, int]
    placed: Mapping[Uuid, Uuid]
    hosts: int
    failures: int


def plan_exists(packing: Packing) -> bool:
    """Whether all protected VMs can run now and after so many failures (`plan_for_n_failures`)."""
    if not 0 <= packing.failures <= packing.hosts:
        return False
    started = _start(packing, filterfalse(packing.placed.__contains__, packing.sizes))
    if started is None or len(started.free) < packing.failures:
        return False
    if len(started.free) == packing.failures and started.sizes:
        return False
    return _every_order(started) if _is_small(packing) else _worst_case(started)


def _is_small(packing: Packing) -> bool:
    """Whether XAPI tries every order of failures."""
    orders = comb(packing.hosts, packing.failures) * factorial(packing.failures)
    return packing.hosts <= MOST_HOSTS and orders < MOST_ORDERS


def _every_order(packing: Packing) -> bool:
    if packing.failures == 0:
        return True
    return all((after := _fail(packing, host)) is not None and _every_order(after) for host in packing.free)


def _fail(packing: Packing, dead: Uuid) -> Packing | None:
    """The state after *dead* failed and its VMs were started elsewhere; None when they do not all fit."""
    left = {host: room for host, room in packing.free.items() if host != dead}
    lost = [vm for vm, host in packing.placed.items() if host == dead]
    return _start(replace(packing, free=left, failures=packing.failures - 1), lost)


def _start(packing: Packing, vms: Iterable[Uuid]) -> Packing | None:
    """The state after *vms* were started; None when they do not all fit."""
    found = _spread(packing, vms)
    if found is None:
        return None
    free = dict(packing.free)
    for vm, host in found.items():
        free[host] -= packing.sizes[vm]
    return replace(packing, free=free, placed={**packing.placed, **found})


def _spread(packing: Packing, vms: Iterable[Uuid]) -> dict[Uuid, Uuid] | None:
    """A host for each of *vms*, biggest first, onto the host with most room; None when one finds none."""
    bins = sorted(((room, host) for host, room in packing.free.items()), key=_most_room)
    found: dict[Uuid, Uuid] = {}
    for vm in sorted(vms, key=lambda each: -packing.sizes[each]):
        if not bins or bins[0][0] < packing.sizes[vm]:
            return None
        room, host = bins.pop(0)
        insort_left(bins, (room - packing.sizes[vm], host), key=_most_room)
        found[vm] = host
    return found


def _most_room(room: tuple[int, Uuid]) -> int:
    """The order of hosts: most room first, of equals the one that was changed last."""
    return -room[0]


def _worst_case(packing: Packing) -> bool:
    """All VMs as big as the biggest, the hosts with most room fail, and those with most VMs (`..._approximation`)."""
    if not packing.sizes:
        return True
    biggest = max(packing.sizes.values())
    if biggest == 0:
        return False
    places = sorted((_slots(room, biggest) for room in packing.free.values()), reverse=True)
    lost = sum(count for _, count in Counter(packing.placed.values()).most_common(packing.failures))
    return lost <= sum(places[packing.failures :])


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstCase:
    """The worst case of a state in which all protected VMs run, ready to be asked about one more VM on a host.

    The numbers are those of `plan_exists`, put down once: a pool asks about as many moves as it has VMs and hosts.

    Args:
        packing: the state.
        biggest: bytes that the biggest protected VM needs to start.
        places: how many VMs of that size fit on each live host.
        counts: how many protected VMs run on each host that has any.
    """

    packing: Packing
    biggest: int
    places: Mapping[Uuid, int]
    counts: Mapping[Uuid, int]

    @classmethod
    def of(cls, packing: Packing) -> WorstCase | None:
        """None where XAPI looks at more than the worst case, or first starts VMs, or protects none of any size."""
        biggest = max(packing.sizes.values(), default=0)
        if _is_small(packing) or not biggest or len(packing.placed) < len(packing.sizes):
            return None
        places = {host: _slots(room, biggest) for host, room in packing.free.items()}
        return cls(packing=packing, biggest=biggest, places=places, counts=Counter(packing.placed.values()))

    def outlived_with(self, size: int, host: Uuid, home: Uuid | None) -> bool:
        """Whether a plan that exists outlives that *size* more bytes are used on *host*.

        A protected VM that uses them is counted there and no longer at *home*.
        """
        places = {**self.places, host: _slots(self.packing.free[host] - size, self.biggest)}
        counts = dict(self.counts)
        if home is not None:
            counts[home] -= 1
            counts[host] = counts.get(host, 0) + 1
        failures = self.packing.failures
        lost = sum(sorted(counts.values(), reverse=True)[:failures])
        return lost <= sum(sorted(places.values(), reverse=True)[failures:])


def _slots(room: int, size: int) -> int:
    """How many VMs of *size* fit, rounded towards zero as OCaml divides."""
    return room // size if room >= 0 else -(-room // size)

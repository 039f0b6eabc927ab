"""Wishes that no host can satisfy, because of what the rules let single VMs do: their disks, networks, devices, pins.

Each wish is looked at by itself, and memory is left out: who fits beside whom is for the solver. What the policy alone
cannot keep, such as four VMs apart on three hosts, is for `rebalancer.policy.lint`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rebalancer.inventory import Uuid
from rebalancer.policy import PolicyFinding
from rebalancer.rules import Rulebook
from rebalancer.units import counted, first_few

SHOWN = 3
"""VMs that one finding names; more are counted."""
Reach = Mapping[Uuid, frozenset[Uuid]]
"""The hosts that each VM may be on: its own, and those that it may move to."""


def check_groups(book: Rulebook) -> tuple[PolicyFinding, ...]:
    """The wishes that cannot be kept under *book*, hard or soft, with the VMs that are in the way."""
    return _Wishes(book).findings()


class _Wishes:
    """The wishes of one problem."""

    def __init__(self, book: Rulebook) -> None:
        self._book, self._problem, self._intent = book, book.problem, book.problem.intent
        self._reach: dict[Uuid, frozenset[Uuid]] = {}

    def findings(self) -> tuple[PolicyFinding, ...]:
        found = (*self._together(), *self._apart(), *self._spread(), *self._run_on())
        return tuple(PolicyFinding(where=where, words=f"{words}: cannot be kept") for where, words in found)

    def _reach_of(self, vms: frozenset[Uuid]) -> Reach:
        for vm in vms - self._reach.keys():
            targets = self._book.targets(self._problem.pool.vms[vm])
            self._reach[vm] = frozenset({self._problem.initial[vm], *targets})
        return {vm: self._reach[vm] for vm in sorted(vms)}

    def _together(self) -> Iterator[tuple[str, str]]:
        """Groups without a host that takes all of them."""
        for group in self._intent.together:
            reach = self._reach_of(group.vms)
            if not frozenset.intersection(*reach.values()):
                least = sorted(reach, key=lambda vm: (len(reach[vm]), vm))
                yield f"together {group.name!r}", f"no host takes all its VMs; {self._said(least, reach)}"

    def _apart(self) -> Iterator[tuple[str, str]]:
        """Groups too many of whose VMs are confined to the same hosts."""
        for group in self._intent.apart:
            reach = self._reach_of(group.vms)
            left = unplaced(reach, group.at_most)
            if left:
                yield f"apart {group.name!r}", f"too many of its VMs have the same few hosts; {self._said(left, reach)}"

    def _spread(self) -> Iterator[tuple[str, str]]:
        """Groups too many of whose VMs are confined to the same failure domains."""
        for group in self._intent.spread:
            domain_of = {host: name for name, hosts in group.hosts_of.items() for host in hosts}
            reach = self._reach_of(group.vms)
            domains = {vm: frozenset(domain_of[host] for host in hosts) for vm, hosts in reach.items()}
            left = unplaced(domains, group.at_most)
            if left:
                words = f"too many of its VMs have the same {group.domain}; {self._said(left, reach)}"
                yield f"spread {group.name!r}", words

    def _run_on(self) -> Iterator[tuple[str, str]]:
        """VMs that may go to none of the hosts that they are tied to."""
        for wish in self._intent.run_on:
            reach = self._reach_of(wish.vms)
            left = [vm for vm, hosts in reach.items() if not hosts & wish.hosts]
            if left:
                yield f"run_on {wish.name!r}", f"none of its hosts takes {self._names(left)}"

    def _said(self, vms: Sequence[Uuid], reach: Reach) -> str:
        few = [f"{self._problem.pool.vms[vm].name!r} has {counted(len(reach[vm]), 'host')}" for vm in vms[:SHOWN]]
        return ", ".join(few)

    def _names(self, vms: Sequence[Uuid]) -> str:
        return first_few([repr(self._problem.pool.vms[vm].name) for vm in vms], SHOWN)


def unplaced(reach: Mapping[Uuid, frozenset[Uuid]], at_most: int) -> list[Uuid]:
    """VMs that find no place where each place in their *reach* holds *at_most*: as few as can be (augmenting paths)."""
    held: dict[Uuid, list[Uuid]] = {}
    return [
        vm for vm in sorted(reach, key=lambda vm: (len(reach[vm]), vm)) if not _placed(vm, reach, at_most, held, set())
    ]


def _placed(
    vm: Uuid, reach: Mapping[Uuid, frozenset[Uuid]], at_most: int, held: dict[Uuid, list[Uuid]], seen: set[Uuid]
) -> bool:
    """Whether *vm* finds a place, if need be by sending others of a place elsewhere."""
    for place in sorted(reach[vm] - seen):
        seen.add(place)
        there = held.setdefault(place, [])
        if len(there) < at_most:
            there.append(vm)
            return True
        for other in list(there):
            if _placed(other, reach, at_most, held, seen):
                there.remove(other)
                there.append(vm)
                return True
    return False

"""What newcomers take of the whole pool, and how much of that there is: space of SRs, memory for restarts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rebalancer.inventory import Uuid
from rebalancer.problem import Problem
from rebalancer.rules.availability.restarts import Failure, Restarts
from rebalancer.rules.core.kinds import Row
from rebalancer.rules.facts.memory_rows import MemoryRow
from rebalancer.solve.fitting.question import Ints
from rebalancer.whatif.newcomers.starts import Starts, room_on

SPARE = "spare"
SPACE = "sr-space"

Total = tuple[str, tuple[Ints, int]]
"""What it is, what one of each kind takes of it, and how much there is."""


def space(problem: Problem, starts: Starts, kinds: Sequence[Uuid]) -> Iterator[Total]:
    """By SR what the new disks of each kind take, and what there is."""
    needs: dict[Uuid, list[int]] = {}
    for place, kind in enumerate(kinds):
        for disk in starts.disks_of(kind):
            needs.setdefault(disk.sr, [0] * len(kinds))[place] += disk.physical_utilisation_bytes
    for sr, each in needs.items():
        yield f"{SPACE} {sr}", (np.array(each, dtype=np.int64), max(0, room_on(problem, sr)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RestartRoom:
    """Memory for restarts, as sums that nothing which outlives a failure is above.

    On a host that is left, either VMs restart, and static maxima are within its room; or none does, and what VMs hold
    by a rule on memory is within its limit, or within what they hold now. So each VM counts the least of both, and each
    host the most. A VM that is not kept restartable counts where it runs, on hosts of which none fails.

    Args:
        limit: the judgement of restarts, in a pool in which one newcomer of each kind runs.
        rows: the limit on memory of each host, all of one rule.
        initial: where VMs are.
        reach: the hosts on which each VM and each newcomer may be.
    """

    limit: Restarts
    rows: Mapping[Uuid, Row]
    initial: Mapping[Uuid, Uuid]
    reach: Mapping[Uuid, frozenset[Uuid]]

    def totals(self, lost: Sequence[Failure], kinds: Sequence[Uuid]) -> Iterator[tuple[tuple[int, ...], int]]:
        """For each of the failures that are outlived now, what one of each kind takes, and what there is."""
        most = self._most()
        least = {vm: self._least(vm) for vm in self.reach}
        outside = {vm: hosts - most.keys() for vm, hosts in self.reach.items()}
        kept = self.limit.items.size.keys()
        for failure in lost:
            ends = {vm: hosts & failure for vm, hosts in self.reach.items() if vm not in kept}
            counted = {vm: 0 if ends.get(vm) or outside[vm] - failure else least[vm] for vm in self.reach}
            room = sum(bytes_ for host, bytes_ in most.items() if host not in failure)
            yield tuple(counted[kind] for kind in kinds), max(0, room - sum(counted[vm] for vm in self.initial))

    def _most(self) -> dict[Uuid, int]:
        """The bytes that each host has at most."""
        now = dict.fromkeys(self.limit.room, 0)
        for vm, host in self.initial.items():
            if host in now:
                now[host] += self.rows[host].weights.resident.get(vm, 0)
        return {host: max(room, self.rows[host].upper, now[host]) for host, room in self.limit.room.items()}

    def _least(self, vm: Uuid) -> int:
        """The bytes that *vm* takes at least, where it runs and, if it is kept restartable, where it restarts."""
        weights, held = next(iter(self.rows.values())).weights, self.limit.held[vm]
        size = self.limit.items.size.get(vm, held)
        return min(size, held, weights.resident.get(vm, 0), weights.arrival.get(vm, 0))


def restart_room(
    starts: Starts, initial: Mapping[Uuid, Uuid], reach: Mapping[Uuid, frozenset[Uuid]], lost: Sequence[Failure]
) -> Iterator[Total]:
    """The memory that *lost* failures leave, the scarcest of those of which newcomers take as much."""
    kinds = [vm for vm in reach if vm not in initial]
    found: dict[tuple[int, ...], int] = {}
    for limit in starts.book.restarts:
        for rows in _memory_limits(starts):
            if limit.room and limit.room.keys() <= rows.keys():
                room = RestartRoom(limit=limit, rows=rows, initial=initial, reach=reach)
                for needs, most in room.totals(lost, kinds):
                    found[needs] = min(most, found.get(needs, most))
    for number, (needs, most) in enumerate(found.items()):
        yield f"{SPARE} {number}", (np.array(needs, dtype=np.int64), most)


def _memory_limits(starts: Starts) -> Iterable[Mapping[Uuid, Row]]:
    """By rule, the limit on memory of each host."""
    found: dict[str, dict[Uuid, Row]] = {}
    for bound in starts.book.limits:
        if isinstance(bound.limit, MemoryRow) and bound.limit.hard:
            (host,) = bound.limit.places
            found.setdefault(bound.rule.id, {})[host] = bound.limit
    return found.values()

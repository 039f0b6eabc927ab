"""Disks that go along with their VMs, and the SRs that have room for them.

Whether a host is reached with disks, and which, is settled by the rules before anything is solved. What is left to
choose is the SR of each disk, and all that this choice can break is the space on SRs: it costs nothing by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ortools.sat.python import cp_model

from rebalancer.inventory import Uuid
from rebalancer.problem import Problem
from rebalancer.rules import Row
from rebalancer.rules.facts.sizes import DiskSizes
from rebalancer.rules.routes import DisksAlong
from rebalancer.solve.exact.solver import one_worker

HostOf = Mapping[Uuid, Uuid]
CarriedTo = Mapping[Uuid, Mapping[Uuid, DisksAlong]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Traveller:
    """A disk that its VM takes along to some hosts.

    Args:
        vm: whose disk it is.
        drive: the drive that it is in.
        source: the SR where it is now.
        copied: bytes that are copied.
        srs: by host to which it goes along, the SRs that it may go to, best first.
    """

    vm: Uuid
    drive: Uuid
    source: Uuid
    copied: int
    srs: Mapping[Uuid, tuple[Uuid, ...]]


Chosen = dict[Traveller, Uuid]
"""The new SR of each disk that goes along."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Space:
    """What travellers may take of an SR, as long as all that is there now stays.

    Args:
        room: in the unit of the rule's row.
        leaving: what each drive gives free that is there now.
        arriving: what each drive takes that comes.
    """

    room: int
    leaving: Mapping[Uuid, int]
    arriving: Mapping[Uuid, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Disks:
    """All disks that may go along; `tight` are the SRs that they could fill, the others have room for all of them."""

    travellers: tuple[Traveller, ...]
    tight: Mapping[Uuid, Space]

    def packed(self, host_of: HostOf) -> Chosen | None:
        """An SR for each disk that goes along where the VMs are on *host_of*; None where there is no room for all."""
        going = self._going(host_of)
        quickly = self._first_fit(going, host_of)
        return self._fit(going, host_of) if quickly is None else quickly

    def srs(self, host_of: HostOf) -> Chosen:
        """An SR for each disk that goes along; where there is no room for all, the best SR of each."""
        packed = self.packed(host_of)
        if packed is not None:
            return packed
        return {each: each.srs[host_of[each.vm]][0] for each in self._going(host_of)}

    def fit_at_once(self, host_of: HostOf) -> bool:
        """Whether all find room if each takes the best SR that still has some: quick, and too careful at times."""
        return self._first_fit(self._going(host_of), host_of) is not None

    def rivals(self) -> Iterator[list[Traveller]]:
        """For every tight SR, the disks that take room there or give some free."""
        for sr in self.tight:
            yield [each for each in self.travellers if each.source == sr or any(sr in srs for srs in each.srs.values())]

    def _going(self, host_of: HostOf) -> list[Traveller]:
        going = [each for each in self.travellers if host_of.get(each.vm) in each.srs]
        return sorted(going, key=lambda each: (-each.copied, each.drive))

    def _room(self, going: Iterable[Traveller]) -> dict[Uuid, int]:
        room = {sr: space.room for sr, space in self.tight.items()}
        for each in going:
            if each.source in room:
                room[each.source] += self.tight[each.source].leaving[each.drive]
        return room

    def _first_fit(self, going: Sequence[Traveller], host_of: HostOf) -> Chosen | None:
        room, chosen = self._room(going), Chosen()
        for each in going:
            needs = {sr: self._need(each, sr) for sr in each.srs[host_of[each.vm]]}
            sr = next((sr for sr, need in needs.items() if need <= room.get(sr, need)), None)
            if sr is None:
                return None
            chosen[each] = sr
            room[sr] = room.get(sr, 0) - needs[sr]
        return chosen

    def _fit(self, going: Sequence[Traveller], host_of: HostOf) -> Chosen | None:
        model = cp_model.CpModel()
        taken = {(each, sr): model.new_bool_var("") for each in going for sr in each.srs[host_of[each.vm]]}
        for each in going:
            model.add_exactly_one(taken[each, sr] for sr in each.srs[host_of[each.vm]])
        for sr, room in self._room(going).items():
            model.add(sum(self._need(each, there) * taken[each, there] for each, there in taken if there == sr) <= room)
        solver = one_worker()
        if solver.solve(model) == cp_model.INFEASIBLE:
            return None
        return {each: sr for (each, sr), variable in taken.items() if solver.boolean_value(variable)}

    def _need(self, each: Traveller, sr: Uuid) -> int:
        return self.tight[sr].arriving[each.drive] if sr in self.tight else 0


def disks_of(problem: Problem, carried: CarriedTo, limits: Iterable[Row]) -> Disks:
    """What goes along as *carried* tells, by VM and host, and those of the *limits* over SRs that it could fill.

    Limits on space are never broken now: what is there is within them.
    """
    travellers = tuple(each for vm in sorted(carried) if carried[vm] for each in _travellers(problem, vm, carried[vm]))
    spaces = {sr: _space(problem, limit) for limit in limits for sr in limit.places}
    coming = {sr: [each for each in travellers if any(sr in srs for srs in each.srs.values())] for sr in spaces}
    most = {sr: sum(spaces[sr].arriving[each.drive] for each in found) for sr, found in coming.items()}
    tight = {sr: space for sr, space in spaces.items() if most[sr] > space.room}
    return Disks(travellers=travellers, tight=tight)


def _travellers(problem: Problem, vm: Uuid, carried: Mapping[Uuid, DisksAlong]) -> Iterator[Traveller]:
    sizes = DiskSizes(problem)
    for drive, source in sorted(problem.initial.srs_of[vm].items()):
        srs = {host: each.srs_of(drive) for host, each in carried.items() if drive in each.drives}
        if srs:
            copied = sizes.copied(sizes.behind(vm, drive))
            yield Traveller(vm=vm, drive=drive, source=source, copied=copied, srs=srs)


def _space(problem: Problem, limit: Row) -> Space:
    drives = (pair for srs in problem.initial.srs_of.values() for pair in srs.items())
    leaving = {drive: limit.weights.resident.get(drive, 0) for drive, sr in drives if sr in limit.places}
    return Space(room=limit.upper - sum(leaving.values()), leaving=leaving, arriving=limit.weights.arrival)

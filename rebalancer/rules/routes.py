"""How a VM gets to a host: by XenMotion where the host sees its disks, else with the disks that it does not see.

Each disk that has to go along needs an SR that the host sees. All of them go to one SR where one can take them all, and
there is a route for each such SR; only where none can is one tried that fills the emptiest SRs with the largest disks
first. A route is judged by itself, as if whatever may leave an SR had left: who fits beside whom is for `sr-space`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter

from rebalancer.inventory import DANGLING, VDI, VM, Host, Pool, Uuid
from rebalancer.placement import DiskMove, Migration, disks_of
from rebalancer.problem import Problem
from rebalancer.rules.binding import disk_rules, rules_with_disks
from rebalancer.rules.catalogue import TO_ANOTHER_POOL, WITH_STORAGE
from rebalancer.rules.core.kinds import DiskRule, Objection, Rule
from rebalancer.rules.core.legality import Legality
from rebalancer.rules.disks.sr_capabilities import receives
from rebalancer.rules.disks.sr_space import SpaceRow, SRSpace
from rebalancer.rules.facts.counterparts import crosses, sr_beyond
from rebalancer.rules.facts.disk_maps import whole_map
from rebalancer.rules.facts.sizes import DiskSizes
from rebalancer.units import size_in_words

Drive = tuple[Uuid, VDI]
"""A drive, and the disk in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route to a host: the disks that change their SR, sorted by drive, and the bytes copied, memory included."""

    disks: tuple[DiskMove, ...]
    copied_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisksAlong:
    """What goes along: drives, sorted, and the SRs to which their disks may go in any combination, best first.

    The disks in drives that are `fixed` go to one SR of another pool, which the policy names.
    """

    drives: tuple[Uuid, ...]
    srs: tuple[Uuid, ...]
    fixed: Mapping[Uuid, Uuid] = field(default_factory=dict)

    def srs_of(self, drive: Uuid) -> tuple[Uuid, ...]:
        """The SRs to which the disk in *drive* may go."""
        return (self.fixed[drive],) if drive in self.fixed else self.srs


class Routes:
    """The routes of the VMs of *problem* to its hosts, by *rules*, and what speaks against single moves.

    Args:
        problem: where VMs and disks are.
        rules: what binds XenMotion.
        space: the limits on what SRs hold; a VM takes no disks along where there are none.
    """

    def __init__(self, problem: Problem, rules: Sequence[Rule], space: Iterable[SpaceRow]) -> None:
        self._problem, self._sizes = problem, DiskSizes(problem)
        self.live = Legality(problem, rules)
        self._space: dict[Uuid, SpaceRow] = {sr: row for row in space for sr in row.places}
        held = problem.held.srs
        self._receiving = {sr for sr in self._space if sr not in held and receives(problem.pool.srs[sr], problem)}
        self._judged: dict[tuple[object, ...], tuple[Objection, ...]] = {}
        self._srs_of: dict[Uuid, frozenset[Uuid]] = {}
        self._seen_by: dict[Uuid, tuple[frozenset[Uuid], frozenset[Uuid]]] = {}
        self._free = _free_now(self._space, problem)

    def at(self, problem: Problem, space: Iterable[SpaceRow]) -> Routes:
        """The routes in *problem*, which differs in nothing but where VMs and disks are."""
        there = Routes(problem, self.live.rules, space)
        there.live = self.live.at(problem)
        return there

    @cached_property
    def _with_storage(self) -> Legality:
        return Legality(self._problem, rules_with_disks(WITH_STORAGE, self._problem, self.live.rules))

    @cached_property
    def _to_another_pool(self) -> Legality:
        return Legality(self._problem, rules_with_disks(TO_ANOTHER_POOL, self._problem, self.live.rules))

    @cached_property
    def _disk_rules(self) -> tuple[DiskRule, ...]:
        return disk_rules(self._problem)

    def routes(self, vm: VM, host: Host) -> tuple[Route, ...]:
        """All routes of *vm* to *host* that no rule objects to, cheapest first; none for a VM that is there already.

        Of routes that copy as much, those come first that leave a disk on an SR of its kind, shared or not, then those
        that leave most room.
        """
        if vm.resident_on in {None, host.uuid}:
            return ()
        if not self.live.objections(vm, host):
            return (Route(disks=(), copied_bytes=vm.migration_memory_bytes),)
        if not self._may_carry(vm, host):
            return ()
        memory, copied = vm.migration_memory_bytes, self._sizes.copied_on
        legal = (disks for disks in self._maps(vm, host) if not self._against_disks(vm, host, disks))
        return tuple(Route(disks=disks, copied_bytes=memory + copied(vm.uuid, disks)) for disks in legal)

    def targets(self, vm: VM) -> dict[Uuid, Route]:
        """The hosts that *vm* may move to, in the order of the pool, each with its cheapest route."""
        live, plain = set(self.live.targets(vm)), (Route(disks=(), copied_bytes=vm.migration_memory_bytes),)
        found = (
            (uuid, plain if uuid in live and vm.resident_on else self.routes(vm, host))
            for uuid, host in self._problem.pool.hosts.items()
        )
        return {uuid: routes[0] for uuid, routes in found if routes}

    def disks_along(self, vm: VM, host: Host) -> DisksAlong | None:
        """What *vm* may take along to *host*, whose disks no rule holds back; None where it may not, or need not.

        Every rule about disks judges each by itself, so that any combination of the SRs is legal; how many fit beside
        each other is for `sr-space`.
        """
        unseen = self._unseen(vm, host)
        if not unseen or vm.resident_on in {None, host.uuid} or not self._may_carry(vm, host):
            return None
        fixed, candidates = self._fixed(vm, host, unseen), self._candidates(host)
        if not set(fixed.values()) <= set(candidates):
            return None
        srs = [sr for sr in candidates if self._takes(sr, vm, host, unseen, fixed)]
        best_first = sorted(srs, key=lambda sr: self._rank(sr, unseen))
        drives = tuple(drive for drive, _ in unseen)
        return DisksAlong(drives=drives, srs=tuple(best_first), fixed=fixed) if srs else None

    def _takes(self, sr: Uuid, vm: VM, host: Host, drives: Sequence[Drive], fixed: Mapping[Uuid, Uuid]) -> bool:
        """Whether the rules let disks of *vm* go to *sr*."""
        return not self._against_disks(vm, host, _all_to(sr, drives, fixed))

    def _fixed(self, vm: VM, host: Host, drives: Sequence[Drive]) -> dict[Uuid, Uuid]:
        """The SRs of another pool to which the policy leads disks in *drives*."""
        if not crosses(vm, host, self._problem):
            return {}
        home = self._problem.pool.of_vm(vm)
        led = {drive: sr_beyond(disk.sr, home, host, self._problem) for drive, disk in drives}
        return {drive: beyond.uuid for drive, beyond in led.items() if beyond and beyond.uuid is not None}

    def _may_carry(self, vm: VM, host: Host) -> bool:
        """Whether *vm* may go to *host* with some disks, as far as no disk is concerned."""
        return bool(self._space) and not self._motion(vm, host).objections(vm, host)

    def _motion(self, vm: VM, host: Host) -> Legality:
        """What binds a move with disks: inside the pool, or to another one."""
        return self._to_another_pool if crosses(vm, host, self._problem) else self._with_storage

    def objections(self, move: Migration) -> tuple[Objection, ...]:
        """Everything that single-move rules say against *move*, whose VM and disks are where the problem has them."""
        pool = self._problem.pool
        vm, host = pool.vms[move.vm], pool.hosts[move.target]
        if not move.disks:
            return self.live.objections(vm, host)
        return (*self._motion(vm, host).objections(vm, host), *self._against_disks(vm, host, move.disks))

    def why_no_disks(self, vm: VM, host: Host) -> tuple[Objection, ...]:
        """What keeps the disks of *vm* from going along to *host*; empty where there is a route, or none need go."""
        unseen = self._unseen(vm, host)
        if not self._space or not unseen or self.routes(vm, host):
            return ()
        refused = [self._against_disks(vm, host, disks) for disks in self._maps(vm, host)]
        against_disks = refused[0] if refused else (self._no_room(vm, host),)
        return (*self._motion(vm, host).objections(vm, host), *against_disks)

    def _no_room(self, vm: VM, host: Host) -> Objection:
        if not self._candidates(host):
            return SRSpace().objection("the host has no SR attached to which disks may go and that can receive them")
        unseen = self._unseen(vm, host)
        for sr in sorted({*self._fixed(vm, host, unseen).values()} - set(self._candidates(host))):
            name = self._problem.names.srs[sr]
            return SRSpace().objection(f"the policy leads its disks to SR '{name}', which cannot receive them there")
        words = size_in_words(sum(self._arriving(drive) for drive, _ in unseen))
        return SRSpace().objection(f"no SR of the host has room for its disks, which need {words}")

    def _against_disks(self, vm: VM, host: Host, disks: Sequence[DiskMove]) -> tuple[Objection, ...]:
        """What speaks against taking *disks* along, while the others stay.

        Of a host rules ask in which pool it is, and which SRs it sees: where these are the same, so is the answer.
        """
        asked = (vm.uuid, tuple(disks), *self._shown(vm, host, disks))
        if asked not in self._judged:
            whole = whole_map(vm, host, disks, self._problem.pool)
            objections = (rule.objects(vm, host, whole, self._problem) for rule in self._disk_rules)
            self._judged[asked] = tuple(filter(None, objections))
        return self._judged[asked]

    def _shown(self, vm: VM, host: Host, disks: Sequence[DiskMove]) -> tuple[object, ...]:
        """What rules about *disks* see of *host*: its pool, and its SRs as far as *vm* or *disks* have to do with them.

        Those that are attached, and all to which it has a connection.
        """
        if host.uuid not in self._seen_by:
            self._seen_by[host.uuid] = (host.attached_srs, frozenset(pbd.sr for pbd in host.pbds))
        if vm.uuid not in self._srs_of:
            self._srs_of[vm.uuid] = frozenset(_srs_behind(vm, self._problem.pool))
        asked = self._srs_of[vm.uuid].union(disk.target for disk in disks)
        return (self._problem.pool.of_host(host.uuid).coordinator, *(asked & seen for seen in self._seen_by[host.uuid]))

    def _maps(self, vm: VM, host: Host) -> Iterator[tuple[DiskMove, ...]]:
        """Every map of the disks that have to go along and fit by themselves, best first."""
        unseen = self._unseen(vm, host)
        fixed = self._fixed(vm, host, unseen)
        srs = self._candidates(host) if unseen else []
        best_first = sorted(srs, key=lambda sr: self._rank(sr, unseen))
        maps = dict.fromkeys(_all_to(sr, unseen, fixed) for sr in best_first)
        whole = [disks for disks in maps if self._fits(disks)]
        yield from whole
        if not whole and (packed := self._packed(unseen, srs, fixed)):
            yield packed

    def _fits(self, disks: Sequence[DiskMove]) -> bool:
        """Whether every SR has room for those of *disks* that go there, as if whatever may leave it had left."""
        need: dict[Uuid, int] = {}
        for disk in disks:
            need[disk.target] = need.get(disk.target, 0) + self._arriving(disk.drive)
        return all(sr in self._space and self._space[sr].upper >= each for sr, each in need.items())

    def _packed(self, unseen: Sequence[Drive], srs: Sequence[Uuid], fixed: Mapping[Uuid, Uuid]) -> tuple[DiskMove, ...]:
        """The largest disk first, each on the SR with most room left; empty where one does not fit."""
        room = {sr: self._space[sr].upper for sr in srs}
        found = []
        for drive, disk in sorted(unseen, key=lambda each: (-self._arriving(each[0]), each[0])):
            open_srs = [fixed[drive]] if drive in fixed else srs
            best = max((sr for sr in open_srs if sr in room), key=lambda sr: room[sr], default=None)
            if best is None or room[best] < self._arriving(drive):
                return ()
            room[best] -= self._arriving(drive)
            found.append(DiskMove(drive=drive, source=disk.sr, target=best))
        return tuple(sorted(found))

    def _rank(self, sr: Uuid, unseen: Sequence[Drive]) -> tuple[int, int, Uuid]:
        """Least disks that change between a shared and a local SR, then most room, then the uuid."""
        srs = self._problem.pool.srs
        changed = sum(disk.sr in srs and srs[disk.sr].shared != srs[sr].shared for _, disk in unseen)
        return changed, -self._free[sr], sr

    def _unseen(self, vm: VM, host: Host) -> list[Drive]:
        """Drives with disks on SRs that *host* does not have attached, sorted."""
        drives = ((drive.uuid, disk) for drive, disk in disks_of(vm, self._problem.pool))
        return sorted((each for each in drives if each[1].sr not in host.attached_srs), key=itemgetter(0))

    def _candidates(self, host: Host) -> list[Uuid]:
        """SRs of *host* to which the policy lets disks go, and whose driver can receive them."""
        return sorted(self._receiving & host.attached_srs)

    def _arriving(self, drive: Uuid) -> int:
        """What the disk in *drive* takes of any SR that it comes to."""
        return next(iter(self._space.values())).weights.arrival[drive]


def _srs_behind(vm: VM, pool: Pool) -> Iterator[Uuid]:
    """The SRs of all images of *vm* and its snapshots: disks, CDs and memory."""
    for each in (vm, *pool.snapshots_of(vm)):
        images = (pool.vdis.get(image or DANGLING) for image in (*(drive.vdi for drive in each.vbds), each.suspend_vdi))
        yield from (image.sr for image in images if image)


def _all_to(sr: Uuid, drives: Sequence[Drive], fixed: Mapping[Uuid, Uuid]) -> tuple[DiskMove, ...]:
    """The moves of the disks in *drives* to one SR, but for those that have an SR of their own."""
    return tuple(DiskMove(drive=drive, source=disk.sr, target=fixed.get(drive, sr)) for drive, disk in drives)


def _free_now(rows: Mapping[Uuid, SpaceRow], problem: Problem) -> dict[Uuid, int]:
    """What disks may take of each SR as things are tonight."""
    free = {sr: row.upper for sr, row in rows.items()}
    for srs in problem.initial.srs_of.values():
        for drive, sr in srs.items():
            if sr in free:
                free[sr] -= rows[sr].weights.resident[drive]
    return free

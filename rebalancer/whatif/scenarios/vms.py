"""Edits of VMs: resize, retire, grow, and new ones."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rebalancer.errors import InputError
from rebalancer.inventory import VM, MemoryRange, Pool, PowerState, Uuid
from rebalancer.placement import disks_of
from rebalancer.policy.selectors import Selectors
from rebalancer.rules.facts.memory_model import arrival_overhead, counts_xen_vcpu_pages
from rebalancer.units import GIB, MIB, counted, demand_mib
from rebalancer.whatif.newcomers.joined import joined_demand, joined_pool
from rebalancer.whatif.newcomers.newcomer import Kind, Newcomer, newcomers
from rebalancer.whatif.newcomers.shape import MOST_GIB, MOST_VCPUS, Shape
from rebalancer.whatif.newcomers.table import shapes_in
from rebalancer.whatif.place import Place, places
from rebalancer.whatif.scenarios.edit import Edit, Situation, Stranded, guests_in, listed
from rebalancer.whatif.scenarios.tables import grown, without_vms


@dataclass(frozen=True, slots=True, kw_only=True)
class Resize(Edit):
    """VMs get other sizes; what is None stays. Their load stays what it is."""

    key: ClassVar[str] = "resize"
    main: ClassVar[str] = "vms"
    vms: tuple[str, ...]
    vcpus: int | None = None
    memory_gib: float | None = None

    @property
    def words(self) -> str:
        """In words."""
        cpus = () if self.vcpus is None else (counted(self.vcpus, "vCPU"),)
        memory = () if self.memory_gib is None else (f"{self.memory_gib:g} GiB",)
        return f"resize {listed(self.vms)} to {' and '.join((*cpus, *memory)) or 'what they have'}"

    def applied(self, now: Situation) -> Situation:
        """*now* once they have restarted with it where they are."""
        if self.vcpus is None and self.memory_gib is None:
            raise InputError(self.words, "nothing changes", "Give vcpus or memory_gib")
        likely = self.vcpus is None or 1 <= self.vcpus <= MOST_VCPUS
        if not likely or not (self.memory_gib is None or 0 < self.memory_gib <= MOST_GIB):
            raise InputError(self.words, "no VM has this size", "Give 1 vCPU or more, and more than 0 GiB")
        changed = {
            uuid: self._resized(now.pool.vms[uuid], now.pool) for uuid in guests_in(now.pool, self.vms, self.words)
        }
        return replace(now, pool=replace(now.pool, vms={**now.pool.vms, **changed}))

    def _resized(self, vm: VM, pool: Pool) -> VM:
        size = None if self.memory_gib is None else demand_mib(int(self.memory_gib * GIB)) * MIB
        memory = (
            vm.memory
            if size is None
            else MemoryRange(
                static_min_bytes=min(size, vm.memory.static_min_bytes),
                dynamic_min_bytes=size,
                dynamic_max_bytes=size,
                static_max_bytes=size,
            )
        )
        cpus = vm.vcpus_max if self.vcpus is None else self.vcpus
        new = replace(vm, memory=memory, vcpus_max=cpus, vcpus_at_startup=min(cpus, self.vcpus or vm.vcpus_at_startup))
        return _remeasured(new, pool)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireVMs(Edit):
    """VMs go for good, with their disks and snapshots."""

    key: ClassVar[str] = "retire_vms"
    main: ClassVar[str] = "vms"
    vms: tuple[str, ...]

    @property
    def words(self) -> str:
        """In words."""
        return f"retire VMs {listed(self.vms)}"

    def applied(self, now: Situation) -> Situation:
        """*now* without them."""
        gone = set(guests_in(now.pool, self.vms, self.words))
        return replace(now, pool=_without(now.pool, gone), demand=without_vms(now.demand, gone))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grow(Edit):
    """VMs want more: `cpu` times the pCPUs in every hour, `memory` times the memory."""

    key: ClassVar[str] = "grow"
    main: ClassVar[str] = "vms"
    vms: tuple[str, ...]
    cpu: float = 1.0
    memory: float = 1.0

    @property
    def words(self) -> str:
        """In words."""
        cpu = () if self.cpu == 1.0 else (f"CPU times {self.cpu:g}",)
        memory = () if self.memory == 1.0 else (f"memory times {self.memory:g}",)
        who = "all VMs" if "*" in self.vms else listed(self.vms)
        return f"grow {who}: {', '.join((*cpu, *memory)) or 'nothing'}"

    def applied(self, now: Situation) -> Situation:
        """*now* once they have grown, where they are."""
        if not (0 < self.cpu < FAR and 0 < self.memory < FAR):
            raise InputError(self.words, "nothing grows by such a factor", f"Give more than 0 and less than {FAR}")
        chosen = set(guests_in(now.pool, self.vms, self.words))
        pool = now.pool
        if self.memory != 1.0:
            bigger = {uuid: self._bigger(pool.vms[uuid], pool) for uuid in sorted(chosen)}
            pool = replace(pool, vms={**pool.vms, **bigger})
        return replace(now, pool=pool, demand=grown(now.demand, chosen, self.cpu) if self.cpu != 1.0 else now.demand)

    def _bigger(self, vm: VM, pool: Pool) -> VM:
        known = vm.memory
        names = ("static_min_bytes", "dynamic_min_bytes", "dynamic_max_bytes", "static_max_bytes")
        memory = MemoryRange(**{name: demand_mib(int(getattr(known, name) * self.memory)) * MIB for name in names})
        return _remeasured(replace(vm, memory=memory), pool)


FAR = 1000
"""A factor that nobody means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddVMs(Edit):
    """`count` new VMs: `like` one, or by `vcpus` and `memory_gib`; each starts where it costs least."""

    key: ClassVar[str] = "add_vms"
    main: ClassVar[str] = "count"
    count: int
    like: str | None = None
    vcpus: int | None = None
    memory_gib: float | None = None
    load: float | tuple[float, ...] | None = None
    disk_gib: float = 0.0
    sr: str | None = None
    networks: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    name: str = "new"

    @property
    def words(self) -> str:
        """In words."""
        what = f"like {self.like}" if self.like else f"of {self.vcpus} vCPUs and {self.memory_gib or 0:g} GiB"
        return f"add {counted(self.count, 'VM')} {what}"

    def applied(self, now: Situation) -> Situation:
        """*now* with them."""
        return started(now, newcomers(self._kind(now.pool), self.count, now.pool))

    def _kind(self, pool: Pool) -> Kind:
        if self.count < 1:
            raise InputError("add_vms", f"{self.count} VMs", "Add 1 or more")
        if self.like is not None:
            chosen = Selectors(pool).vms([self.like], "add_vms")
            found = sorted(chosen.resident or chosen.resting)
            if len(found) != 1 or self.vcpus is not None or self.memory_gib is not None:
                raise InputError(
                    "add_vms", f"{self.like!r} and a size, or {counted(len(found), 'VM')} of this name", ONE
                )
            return pool.vms[found[0]]
        if self.vcpus is None or self.memory_gib is None:
            raise InputError("add_vms", "neither `like` nor a size", ONE)
        return Shape(
            vcpus=self.vcpus,
            memory_gib=self.memory_gib,
            load=self.load,
            disk_gib=self.disk_gib,
            sr=self.sr,
            networks=self.networks,
            tags=self.tags,
            name=self.name,
        )


ONE = "Name one VM by `like`, or give `vcpus` and `memory_gib`"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddVMsFrom(Edit):
    """New VMs by the rows of a CSV file: `vcpus`, `memory_gib`, and as wanted the other fields of a size; `count`."""

    key: ClassVar[str] = "add_vms_from"
    main: ClassVar[str] = "file"
    file: str

    @property
    def words(self) -> str:
        """In words."""
        return f"add the VMs of {self.file}"

    def applied(self, now: Situation) -> Situation:
        """*now* with them."""
        coming: list[Newcomer] = []
        for shape, count in shapes_in(self.file):
            first = 1 + sum(each.like == shape for each in coming)
            coming += newcomers(shape, count, now.pool, first=first)
        return started(now, coming)


def started(now: Situation, coming: Sequence[Newcomer]) -> Situation:
    """*now* with each of *coming* where it costs least, the largest first; who finds no host stays halted."""
    order = sorted(coming, key=lambda each: -each.vm.memory.static_max_bytes)
    fresh = [
        each for each in order if each.vm.uuid not in now.pool.vms or now.pool.vms[each.vm.uuid].resident_on is None
    ]
    if len(fresh) < len(order):
        taken = next(each.vm.name for each in order if each not in fresh)
        raise InputError(f"VM {taken!r}", "it was added already", "Add them by one edit, or call them something else")
    found = places(now.problem, order)
    hosts = [next((spot.host_uuid for spot in each.spots if spot.host == each.host), None) for each in found]
    running = [(each, host) for each, host in zip(order, hosts, strict=True) if host is not None]
    pool = joined_pool(now.pool, [each for each, _ in running], [host for _, host in running])
    halted = [each for each, host in zip(order, hosts, strict=True) if host is None]
    demand = None if now.demand is None else joined_demand(now.demand, [each for each, _ in running])
    return replace(
        now,
        pool=_with_halted(pool, halted),
        demand=demand,
        stranded=(*now.stranded, *(_stranded(each) for each in found if each.host is None)),
    )


def _with_halted(pool: Pool, halted: Collection[Newcomer]) -> Pool:
    off = {
        each.vm.uuid: replace(each.vm, power_state=PowerState.HALTED, metrics=None, guest_metrics=None)
        for each in halted
    }
    disks = {disk.uuid: disk for each in halted for disk in each.disks}
    return replace(
        pool,
        vms=dict(sorted({**pool.vms, **off}.items())),
        vdis=dict(sorted({**pool.vdis, **disks}.items())),
    )


def _stranded(place: Place) -> Stranded:
    """Who finds no host, and what most hosts have against it."""
    said = [each for spot in place.spots for each in spot.refusals]
    rules = [each.rule for each in said]
    worst = max(said, key=lambda each: rules.count(each.rule)) if said else None
    why = worst.words if worst else "there is no host"
    return Stranded(vm=place.vm, vm_uuid=place.vm_uuid, rule=worst.rule if worst else "", why=why)


def _remeasured(vm: VM, pool: Pool) -> VM:
    """*vm* with the overhead of its size, once it has restarted with it."""
    if vm.resident_on is None:
        return vm
    overhead = arrival_overhead(vm, xen_vcpu_pages=counts_xen_vcpu_pages(pool))
    metrics = vm.metrics and replace(
        vm.metrics, memory_actual_bytes=vm.memory.dynamic_max_bytes, vcpus_number=vm.vcpus_at_startup
    )
    return replace(vm, memory_overhead_bytes=overhead, metrics=metrics)


def _without(pool: Pool, gone: Collection[Uuid]) -> Pool:
    """*pool* without VMs, their snapshots, and the disks of both that nobody else has."""
    away = {*gone, *(each for vm in gone for each in pool.vms[vm].snapshots if each in pool.vms)}
    kept = {uuid: vm for uuid, vm in pool.vms.items() if uuid not in away}
    used = {drive.vdi for vm in kept.values() for drive in vm.vbds}
    own = {disk.uuid for vm in away for _, disk in disks_of(pool.vms[vm], pool)} - used
    lost = {uuid: disk for uuid, disk in pool.vdis.items() if uuid in own or disk.snapshot_of in own}
    free: dict[Uuid, int] = {}
    for disk in lost.values():
        free[disk.sr] = free.get(disk.sr, 0) + disk.physical_utilisation_bytes
    srs = {
        sr: replace(row, physical_utilisation_bytes=max(0, row.physical_utilisation_bytes - free[sr]))
        for sr, row in pool.srs.items()
        if sr in free
    }
    groups = {
        uuid: replace(group, vms=tuple(vm for vm in group.vms if vm not in away))
        for uuid, group in pool.vm_groups.items()
        if away & set(group.vms)
    }
    return replace(
        pool,
        vms=kept,
        vdis={uuid: disk for uuid, disk in pool.vdis.items() if uuid not in lost},
        srs={**pool.srs, **srs},
        vm_groups={**pool.vm_groups, **groups},
    )

"""What is held as it is: hosts and VMs that are sick, tagged, or of which something is not said that plans rest on.

A held host takes nobody and gives nobody for the sake of load or order; it may be emptied where it is named for that.
A held VM stays. Both count where they weigh, and are told with the reason and the fix. What a plan would have to guess
of them is never 0 and never as much as it likes: docs/held.md has the table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from rebalancer.clocks import SET_RIGHT
from rebalancer.demand import LoadProfile
from rebalancer.inventory import VDI, VM, Host, Pool, PowerState, Uuid
from rebalancer.inventory.feature_words import feature_words
from rebalancer.inventory.links import links_of_unknown_speed
from rebalancer.units import first_few

RESTART_TOOLSTACK: Final = "restart the toolstack of the host (xe-toolstack-restart), which writes it anew"
MEND_METRICS: Final = "mend its metrics"
READ_AGAIN: Final = "read the pool again; if it persists, look at the object with xe"
DECLARE_DEAD: Final = (
    "declare the host dead (xe host-declare-dead / vm-reset-powerstate) once it surely is off, or bring it back"
)
"""What ends a dead host with VMs: nobody can shut those down, and while it runs none may start elsewhere."""
PLUG_IN: Final = "plug the cable in, or look at the interface with xe pif-param-list"
START_AGAIN: Final = "shut it down and start it again"
RESET: Final = (
    "restart the toolstack of the host where it runs, or reset it (xe vm-reset-powerstate) once it runs nowhere"
)

KEYS: Final = {
    "cpu_info": ("cpu_count", "vendor", "features_hvm", "features_pv"),
    "software_version": ("platform_version", "xapi_build", "xen"),
}
"""Keys of a host that rules read: what one host of a version says, all of that version say."""
FEATURES: Final = ("features", "features_hvm", "features_pv")
WEIGHS: Final = frozenset(
    {
        "VM.HVM_shadow_multiplier",
        "VM.VCPUs_max",
        "VM.is_a_snapshot",
        "VM.is_a_template",
        "VM.memory_dynamic_max",
        "VM.memory_dynamic_min",
        "VM.memory_overhead",
        "VM.memory_static_max",
        "VM.memory_static_min",
        "VM_metrics.memory_actual",
    }
)
"""Fields without which nobody knows what a VM takes of its host."""
TOLD: Final = frozenset({"host_metrics.memory_total"})
"""Fields of a host whose absence has words of its own."""
SHOWN: Final = 3
"""Fields that a reason names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why something is held, in words that follow its name, and what ends it."""

    words: str
    fix: str


TAGGED: Final = Reason(words="carries the hold tag", fix="remove the tag (execution.hold_tag of the policy)")


class Held:
    """What is held of *pool*, whose load *demand* knows; each worked out when first asked.

    A tag holds those that are *on_hold*. Load that is counted *by_speed* rests on how fast the CPUs of hosts are, and
    where it is counted *by_links*, on how fast their interfaces.
    """

    def __init__(
        self,
        pool: Pool,
        demand: LoadProfile | None,
        on_hold: Collection[Uuid] = (),
        *,
        by_speed: bool = False,
        by_links: bool = False,
    ) -> None:
        self._pool, self._demand, self._on_hold = pool, demand, on_hold
        self._by_speed, self._by_links = by_speed, by_links
        self._refused = {} if demand is None else demand.refused

    def at(self, pool: Pool) -> Held:
        """What is held of *pool*, which differs in nothing but where VMs and disks are.

        Where everything is said and no host is dead, places change nothing.
        """
        there = Held(pool, self._demand, self._on_hold, by_speed=self._by_speed, by_links=self._by_links)
        if not self._anything_unsaid and not self._unsized and all(host.live for host in pool.hosts.values()):
            there.__dict__.update({name: getattr(self, name) for name in ("hosts", "sick_vms", "_anything_unsaid")})
            there.__dict__["_unsized"] = self._unsized
        return there

    @cached_property
    def hosts(self) -> Mapping[Uuid, Reason]:
        """The hosts that are held, in the order of the pool."""
        return _joined((host.uuid, self._against_host(host)) for host in self._pool.hosts.values())

    @cached_property
    def sick_vms(self) -> Mapping[Uuid, Reason]:
        """The guests that are held by themselves, on a host or on none although they run, in the order of the pool."""
        there = (*self._pool.resident_guests(), *self._pool.homeless())
        return _joined((vm.uuid, self._against_vm(vm)) for vm in sorted(there, key=lambda vm: vm.uuid))

    @cached_property
    def vms(self) -> Mapping[Uuid, Reason]:
        """Those, and the guests whose metrics say nothing."""
        silent = {vm: _unmeasured(why) for vm, why in self._refused.items() if vm in self._pool.vms}
        guests = {vm: why for vm, why in silent.items() if self._pool.vms[vm].is_guest}
        return dict(sorted({**guests, **self.sick_vms}.items()))

    @cached_property
    def srs(self) -> frozenset[Uuid]:
        """SRs of which it is not known what fits there: they receive no disks."""
        unsized = {disk.sr for disk in self._pool.vdis.values() if disk.unsaid}
        return frozenset(uuid for uuid in self._pool.srs if uuid in unsized or self._unsaid_of_sr(uuid))

    @cached_property
    def uncounted(self) -> frozenset[Uuid]:
        """Hosts whose load is not counted: dead, without metrics, or of unknown capacity."""
        hosts = self._pool.hosts.values()
        known = {host.uuid for host in hosts if host.live and host.pcpus and not self._speed_missing(host)}
        return frozenset(self._pool.hosts.keys() - (known - self._refused.keys()))

    @cached_property
    def roomless(self) -> frozenset[Uuid]:
        """Hosts of which it is not known what VMs they have room for."""
        hosts = self._pool.hosts.values()
        unknown = {host.uuid for host in hosts if host.unsaid or host.memory_total_bytes is None or not host.pcpus}
        return frozenset(unknown | self._unsized.keys())

    def _by_tag(self, uuid: Uuid) -> Iterator[Reason]:
        if uuid in self._on_hold:
            yield TAGGED

    def _against_host(self, host: Host) -> Iterator[Reason]:
        yield from self._by_tag(host.uuid)
        if host.live is None:
            words = "has no metrics object, so that nobody knows whether it lives"
            yield Reason(words=words, fix=RESTART_TOOLSTACK)
        elif not host.live and host.uuid in self._occupied:
            yield Reason(words="is not live, and VMs still count as running on it", fix=DECLARE_DEAD)
        if not host.pcpus:
            yield Reason(words="does not say how many CPUs it has", fix=RESTART_TOOLSTACK)
        yield from self._speeds_missing(host)
        if host.memory_total_bytes is None and host.live is not None:
            yield Reason(words="does not say how much memory it has", fix=RESTART_TOOLSTACK)
        if keys := [key for key in self._keys_missing(host) if key != "cpu_count"]:
            yield Reason(words=f"does not say {', '.join(keys)}, as other hosts do", fix=RESTART_TOOLSTACK)
        if any(feature_words(host.cpu_info.get(key, "")) is None for key in FEATURES):
            yield Reason(words="has CPU features in a form that nobody can read", fix=RESTART_TOOLSTACK)
        yield from _silence([each for each in host.unsaid if _field(each) not in TOLD])
        if host.uuid in self._unsized:
            yield Reason(words=f"has VM {self._unsized[host.uuid]}, of unknown size", fix=READ_AGAIN)
        if host.uuid in self._refused:
            yield _unmeasured(self._refused[host.uuid])

    def _speeds_missing(self, host: Host) -> Iterator[Reason]:
        """Speeds that only some policies ask for."""
        if self._speed_missing(host):
            words = "does not say how fast its CPUs are (cpu_info:speed), and capacity.reference_mhz asks for it"
            yield Reason(words=words, fix=RESTART_TOOLSTACK)
        if slow := self._slow_links.get(host.uuid):
            words = f"does not say how fast {first_few(slow, SHOWN)} is, and objective.network asks for it"
            yield Reason(words=words, fix=PLUG_IN)

    @cached_property
    def _slow_links(self) -> Mapping[Uuid, Sequence[str]]:
        return links_of_unknown_speed(self._pool) if self._by_links else {}

    def _speed_missing(self, host: Host) -> bool:
        return self._by_speed and host.mhz is None

    def _keys_missing(self, host: Host) -> Iterator[str]:
        """The keys that hosts of its version say; of any version, where it does not say its own."""
        for name, keys in KEYS.items():
            said, own = self._said[_version(host)][name], getattr(host, name)
            yield from (key for key in keys if key in said and not own.get(key))

    @cached_property
    def _said(self) -> Mapping[str, Mapping[str, frozenset[str]]]:
        """By version, the keys that some host of it says; by no version, those that any host says."""
        hosts = tuple(self._pool.hosts.values())
        return {
            version: {
                name: frozenset(
                    key
                    for host in hosts
                    if version in ("", _version(host))
                    for key, value in getattr(host, name).items()
                    if value
                )
                for name in KEYS
            }
            for version in {"", *map(_version, hosts)}
        }

    def _against_vm(self, vm: VM) -> Iterator[Reason]:
        yield from self._by_tag(vm.uuid)
        if vm.resident_on not in self._pool.hosts:
            yield Reason(words=f"is {vm.power_state} on no host of the pool", fix=RESET)
        elif vm.power_state is not PowerState.HALTED and vm.metrics is None:
            yield Reason(words="has no metrics object", fix=RESTART_TOOLSTACK)
        if feature_words(vm.last_boot_cpu_flags.get("features", "")) is None:
            yield Reason(words="was booted with CPU features in a form that nobody can read", fix=START_AGAIN)
        yield from _silence(vm.unsaid)
        yield from _silence(tuple(sorted({field for each in self._parts(vm) for field in each})))

    def _parts(self, vm: VM) -> Iterator[Sequence[str]]:
        """What is not said of what *vm* rests on: disks and SRs, those of its snapshots included, networks, groups."""
        pool = self._pool
        if not self._anything_unsaid:
            return
        machines = [vm, *pool.snapshots_of(vm)]
        yield from (each.unsaid for each in machines[1:])
        for disk in filter(None, (pool.vdis.get(drive.vdi or "") for each in machines for drive in each.vbds)):
            yield from (disk.unsaid, self._unsaid_of_disk(disk))
        yield from (pool.networks[vif.network].unsaid for vif in vm.vifs if vif.network in pool.networks)
        yield from (pool.vm_groups[group].unsaid for group in vm.groups if group in pool.vm_groups)
        yield from (group.unsaid for group in pool.vm_groups.values() if vm.uuid in group.vms)

    def _unsaid_of_disk(self, disk: VDI) -> Sequence[str]:
        return self._unsaid_of_sr(disk.sr) if disk.sr in self._pool.srs else ()

    def _unsaid_of_sr(self, sr: Uuid) -> Sequence[str]:
        found = self._pool.srs[sr]
        driver = self._pool.of_sr(sr).storage_drivers.get(found.type)
        return (*found.unsaid, *(driver.unsaid if driver else ()))

    @cached_property
    def _anything_unsaid(self) -> bool:
        drivers = (driver for pool in self._pool.members for driver in pool.storage_drivers.values())
        pool = self._pool
        tables = (pool.vms, pool.vdis, pool.srs, pool.networks, pool.vm_groups)
        return any(each.unsaid for each in drivers) or any(each.unsaid for of in tables for each in of.values())

    @cached_property
    def _unsized(self) -> Mapping[Uuid, str]:
        """Hosts that a VM is on, or on its way to, of which nobody knows what it takes there; with its name.

        A control domain that does not say where it is may be that of any host without one.
        """
        vms = self._pool.vms.values()
        lost = [
            vm.name for vm in vms if vm.is_control_domain and vm.resident_on is None and "VM.resident_on" in vm.unsaid
        ]
        without = self._pool.hosts.keys() - {vm.resident_on for vm in vms if vm.is_control_domain} if lost else ()
        found = (vm for vm in vms if any(_field(each) in WEIGHS for each in vm.unsaid))
        there = {host: vm.name for vm in found for host in (vm.resident_on, vm.scheduled_to_be_resident_on) if host}
        return dict.fromkeys(without, next(iter(lost), "")) | there

    @cached_property
    def _occupied(self) -> frozenset[Uuid | None]:
        return frozenset(vm.resident_on for vm in self._pool.resident_guests())


def _version(host: Host) -> str:
    return host.software_version.get("product_version", "")


def _silence(unsaid: Sequence[str]) -> Iterator[Reason]:
    if unsaid:
        yield Reason(words=f"does not say {first_few(unsaid, SHOWN)}", fix=READ_AGAIN)


def _unmeasured(why: str) -> Reason:
    """Metrics that are no good; those of a clock that is too far off, once that is right again."""
    known = why.removesuffix(f": {SET_RIGHT}")
    return Reason(words=f"has no metrics that can be used: {known}", fix=MEND_METRICS if known == why else SET_RIGHT)


def _field(unsaid: str) -> str:
    """The field alone, without what it holds instead."""
    return unsaid.partition(" ")[0]


def _joined(found: Iterable[tuple[Uuid, Iterator[Reason]]]) -> dict[Uuid, Reason]:
    """Of each that has any, all reasons as one."""
    listed = ((uuid, tuple(reasons)) for uuid, reasons in found)
    return {
        uuid: Reason(
            words="; ".join(dict.fromkeys(each.words for each in reasons)),
            fix="; ".join(dict.fromkeys(each.fix for each in reasons)),
        )
        for uuid, reasons in listed
        if reasons
    }

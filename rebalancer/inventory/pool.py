"""A pool at one moment, with what belongs to no single host: HA, VM groups, networks, kinds of virtual GPU.

`unsaid` are the fields that a record lacks or holds in a form that nobody can read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rebalancer.essence import line_of, table_of
from rebalancer.inventory.host import Host
from rebalancer.inventory.references import Uuid
from rebalancer.inventory.storage import SR, VDI, StorageDriver
from rebalancer.inventory.vm import VM, PowerState


@dataclass(frozen=True, slots=True, kw_only=True)
class HighAvailability:
    """The pool's HA settings."""

    enabled: bool
    host_failures_to_tolerate: int
    plan_exists_for: int
    allow_overcommit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VMGroup:
    """XenAPI class VM_group."""

    uuid: Uuid
    name: str
    placement: str
    vms: tuple[Uuid, ...]
    unsaid: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network; `pifs` are its physical interfaces on all hosts: none makes it internal to a host."""

    uuid: Uuid
    name: str
    bridge: str
    managed: bool
    pifs: tuple[Uuid, ...]
    other_config: Mapping[str, str]
    unsaid: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VGPUType:
    """A kind of virtual GPU; `implementation` decides whether it can migrate."""

    uuid: Uuid
    model_name: str
    implementation: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Pool:
    """A pool: every table maps a uuid to its object and is sorted by uuid.

    `cpu_info` is the levelled CPU of the pool; `restrictions` is the licence. `dangling` tells, one sentence each,
    which references led nowhere when the pool was read, and which values of a later XAPI were read as the strictest
    that are known. `wlb_url` is `HOST:PORT` of the Workload Balancing server that is asked; empty where none is.
    """

    uuid: Uuid
    name: str
    coordinator: Uuid
    default_sr: Uuid | None
    ha: HighAvailability
    wlb_enabled: bool
    migration_compression: bool
    other_config: Mapping[str, str]
    restrictions: Mapping[str, str]
    cpu_info: Mapping[str, str]
    tags: tuple[str, ...]
    hosts: Mapping[Uuid, Host]
    vms: Mapping[Uuid, VM]
    vdis: Mapping[Uuid, VDI]
    srs: Mapping[Uuid, SR]
    networks: Mapping[Uuid, Network]
    storage_drivers: Mapping[str, StorageDriver]
    vm_groups: Mapping[Uuid, VMGroup]
    vgpu_types: Mapping[Uuid, VGPUType]
    dangling: tuple[str, ...] = ()
    wlb_url: str = ""

    def __repr__(self) -> str:
        return line_of("Pool", f"{self.name!r}: {', '.join(f'{count} {name}' for name, count in self._counts.items())}")

    def _repr_html_(self) -> str:
        return table_of(f"Pool {self.name}", self.facts)

    @property
    def _counts(self) -> dict[str, int]:
        running = sum(1 for _ in self.resident_guests())
        return {"hosts": len(self.hosts), "running VMs": running, "SRs": len(self.srs)}

    @property
    def facts(self) -> dict[str, str]:
        """What there is to say of it in a few words, each by its name."""
        failures = self.ha.host_failures_to_tolerate
        ha = f"on, for {failures} host failures" if self.ha.enabled else "off"
        return {**{name: str(count) for name, count in self._counts.items()}, "HA": ha}

    def guests(self) -> Iterator[VM]:
        """Machines of users, in every power state."""
        return (vm for vm in self.vms.values() if vm.is_guest)

    def resident_guests(self) -> Iterator[VM]:
        """Guests that occupy a host of this pool now: running or paused."""
        return (vm for vm in self.guests() if vm.resident_on in self.hosts)

    def homeless(self) -> Iterator[VM]:
        """Guests that run or are paused on no host of this pool."""
        there = (PowerState.RUNNING, PowerState.PAUSED)
        return (
            vm
            for vm in self.vms.values()
            if vm.resident_on not in self.hosts and vm.power_state in there and vm.is_guest
        )

    def snapshots_of(self, vm: VM) -> tuple[VM, ...]:
        """The snapshots of *vm* of which anything is known, in its order."""
        return tuple(self.vms[uuid] for uuid in vm.snapshots if uuid in self.vms)

    def vms_by_host(self) -> dict[Uuid, list[VM]]:
        """VMs, control domains included, that occupy each host or are on their way to it.

        A VM in flight stands under both hosts, as xapi counts it (`xapi_vm_helpers.ml`,
        `host_compute_free_memory_with_policy`).
        """
        found: dict[Uuid, list[VM]] = {uuid: [] for uuid in self.hosts}
        for vm in self.vms.values():
            for host in (vm.resident_on, vm.scheduled_to_be_resident_on):
                if host in found:
                    found[host].append(vm)
        return found

    @property
    def called(self) -> str:
        """Its name; its uuid where it has none."""
        return self.name or self.uuid

    @property
    def members(self) -> tuple[Pool, ...]:
        """The pools that were joined into this one, as they were read; itself where none were."""
        return (self,)

    @property
    def coordinators(self) -> frozenset[Uuid]:
        """The coordinator of each of them."""
        return frozenset(pool.coordinator for pool in self.members)

    @property
    def parts(self) -> tuple[Pool, ...]:
        """Its members as they stand in this pool, where VMs and disks may be elsewhere than they were read."""
        return (self,)

    def of_host(self, host: Uuid | None) -> Pool:  # noqa: ARG002 - pools that were joined ask
        """The pool of *host*, for what counts for the whole of it: licence, coordinator, HA, drivers, settings."""
        return self

    def of_vm(self, vm: VM) -> Pool:  # noqa: ARG002 - pools that were joined ask
        """The pool where *vm* is."""
        return self

    def of_sr(self, sr: Uuid) -> Pool:  # noqa: ARG002 - pools that were joined ask
        """The pool that has *sr*."""
        return self

    def is_known_twice(self, uuid: Uuid) -> bool:  # noqa: ARG002 - pools that were joined ask
        """Whether several of the pools that were joined have an object of this uuid."""
        return False

    def twin_in(self, there: Pool, vm: Uuid) -> VM | None:
        """What pool *there*, one of those that were joined, has under the uuid of *vm*."""
        return there.vms.get(vm)

    @property
    def rolling_upgrade(self) -> bool:
        """Whether xapi marked the pool as being upgraded (`db_gc.ml`, `detect_rolling_upgrade`)."""
        return "rolling_upgrade_in_progress" in self.other_config

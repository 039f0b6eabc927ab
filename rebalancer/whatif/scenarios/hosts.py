"""Edits of hosts: lose, retire, add, refit and update."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any, ClassVar
from uuid import NAMESPACE_OID, uuid5

from rebalancer.errors import InputError
from rebalancer.inventory import PIF, VM, Host, Pool, PowerState, Uuid
from rebalancer.inventory.feature_words import feature_words
from rebalancer.policy.selectors import Selectors
from rebalancer.units import GIB, counted
from rebalancer.whatif.failures import failure_of
from rebalancer.whatif.maintenance import PLATFORM, marked, older_than
from rebalancer.whatif.newcomers.shape import MOST_GIB, MOST_VCPUS
from rebalancer.whatif.scenarios.edit import Edit, Situation, Stranded, hosts_in, listed
from rebalancer.whatif.scenarios.tables import with_hosts, without_hosts, without_vms


@dataclass(frozen=True, slots=True, kw_only=True)
class Lose(Edit):
    """Hosts die and do not come back: their VMs restart on the others, as far as they can."""

    key: ClassVar[str] = "lose"
    main: ClassVar[str] = "hosts"
    hosts: tuple[str, ...]

    @property
    def words(self) -> str:
        """In words."""
        return f"lose {listed(self.hosts)}"

    def applied(self, now: Situation) -> Situation:
        """*now* without them; the first host that is left leads the pool where the coordinator is lost."""
        gone = hosts_in(now.pool, self.hosts, self.words)
        if len(gone) == len(now.pool.hosts):
            raise InputError(self.words, "no host would be left", "Leave one")
        failure, restarted = failure_of(now.problem, gone)
        down = {each.vm_uuid for each in failure.down}
        vms = {vm: _restarted(now.pool.vms[vm], host) for vm, host in restarted.items()}
        vms |= {vm: _restarted(now.pool.vms[vm], None) for vm in down}
        pool = without(replace(now.pool, vms={**now.pool.vms, **vms}), gone)
        stranded = (Stranded(vm=each.vm, vm_uuid=each.vm_uuid, rule=each.rule, why=each.why) for each in failure.down)
        return replace(
            now,
            pool=pool,
            demand=without_vms(without_hosts(now.demand, gone), down),
            stranded=(*now.stranded, *stranded),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Retire(Edit):
    """Hosts are emptied, and take nobody any more."""

    key: ClassVar[str] = "retire"
    main: ClassVar[str] = "hosts"
    hosts: tuple[str, ...]

    @property
    def words(self) -> str:
        """In words."""
        return f"retire {listed(self.hosts)}"

    def applied(self, now: Situation) -> Situation:
        """*now* with the policy that empties them."""
        gone = hosts_in(now.pool, self.hosts, self.words)
        empty = tuple(dict.fromkeys((*now.policy.empty, *gone)))
        if len(hosts_in(now.pool, empty, self.words)) == len(now.pool.hosts):
            raise InputError(self.words, "no host would be left", "Leave one")
        return replace(now, policy=now.policy.model_copy(update={"empty": empty}))


@dataclass(frozen=True, slots=True, kw_only=True)
class AddHosts(Edit):
    """`count` new hosts `like` one, by default the coordinator, with other `cpus` and `memory_gib` where given.

    They see the shared SRs and the networks that their model does, and use for themselves what it does.
    """

    key: ClassVar[str] = "add_hosts"
    main: ClassVar[str] = "count"
    count: int
    like: str | None = None
    cpus: int | None = None
    memory_gib: float | None = None

    @property
    def words(self) -> str:
        """In words."""
        size = _size(self.cpus, self.memory_gib)
        return f"add {counted(self.count, 'host')} like {self.like or 'the coordinator'}{size and f' with {size}'}"

    def applied(self, now: Situation) -> Situation:
        """*now* with them, each with a control domain of its own."""
        if not 1 <= self.count <= MOST_HOSTS:
            raise InputError("add_hosts", f"{self.count} hosts", f"Add 1 to {MOST_HOSTS}")
        model = now.pool.hosts[_one(now.pool, self.like) if self.like else now.pool.coordinator]
        free = [number for number in range(1, MOST_HOSTS * 2) if _uuid(now.pool, model, number) not in now.pool.hosts]
        new = [self._host(now.pool, model, number) for number in free[: self.count]]
        doms = [_dom0(vm, host, model) for host in new for vm in now.pool.vms.values() if _is_dom0(vm, model)]
        networks = {
            uuid: replace(network, pifs=tuple(sorted((*network.pifs, *more))))
            for uuid, network in now.pool.networks.items()
            if (more := [pif.uuid for host in new for pif in host.pifs if pif.network == uuid])
        }
        pool = replace(
            now.pool,
            hosts=dict(sorted({**now.pool.hosts, **{host.uuid: host for host in new}}.items())),
            vms=dict(sorted({**now.pool.vms, **{vm.uuid: vm for vm in doms}}.items())),
            networks={**now.pool.networks, **networks},
        )
        return replace(now, pool=pool, demand=with_hosts(now.demand, {host.uuid: model.uuid for host in new}))

    def _host(self, pool: Pool, model: Host, number: int) -> Host:
        uuid = _uuid(pool, model, number)
        shared = [pbd for pbd in model.pbds if pbd.sr in pool.srs and pool.srs[pbd.sr].shared]
        new = replace(
            model,
            uuid=uuid,
            name=f"{model.name or model.uuid} #{number}",
            enabled=True,
            live=True,
            current_operations=(),
            ghost_operations=(),
            pbds=tuple(replace(pbd, uuid=_part(uuid, pbd.sr)) for pbd in shared),
            pifs=tuple(_interface(pif, uuid) for pif in model.pifs),
            pgpus=tuple(replace(card, uuid=_part(uuid, card.uuid), resident_vgpus=()) for card in model.pgpus),
        )
        return refitted(new, cpus=self.cpus, memory_gib=self.memory_gib)


MOST_HOSTS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Refit(Edit):
    """Hosts get other CPUs and memory, `like` those of a host or by size; their VMs stay there."""

    key: ClassVar[str] = "refit"
    main: ClassVar[str] = "hosts"
    hosts: tuple[str, ...]
    like: str | None = None
    cpus: int | None = None
    mhz: float | None = None
    features: str | None = None
    memory_gib: float | None = None

    @property
    def words(self) -> str:
        """In words."""
        like = (f"CPUs like {self.like}",) if self.like else ()
        speed = (f"{self.mhz:g} MHz",) if self.mhz else ()
        features = ("other CPU features",) if self.features else ()
        size = tuple(filter(None, (_size(self.cpus, self.memory_gib),)))
        return f"refit {listed(self.hosts)} with {', '.join((*like, *size, *speed, *features)) or 'what they have'}"

    def applied(self, now: Situation) -> Situation:
        """*now* with them; the pool's own CPU features are what all hosts share, once XAPI has levelled it."""
        if all(each is None for each in (self.like, self.cpus, self.mhz, self.features, self.memory_gib)):
            raise InputError(self.words, "nothing changes", "Give like, cpus, mhz, features or memory_gib")
        changed = {uuid: self._host(now.pool, uuid) for uuid in hosts_in(now.pool, self.hosts, self.words)}
        return replace(now, pool=replace(now.pool, hosts={**now.pool.hosts, **changed}))

    def _host(self, pool: Pool, uuid: Uuid) -> Host:
        host = pool.hosts[uuid]
        if self.mhz is not None and not 0 < self.mhz < inf:
            raise InputError(self.words, "no CPU has this speed", "Give MHz, more than 0")
        if self.features is not None and not feature_words(self.features):
            raise InputError(self.words, f"{self.features!r} are no CPU features", "Write them as hosts report them")
        if self.like:
            host = replace(host, cpu_info=pool.hosts[_one(pool, self.like)].cpu_info)
        info = dict(host.cpu_info)
        if self.mhz is not None:
            info["speed"] = f"{self.mhz:.3f}"
        if self.features is not None:
            info |= {key: self.features for key in info if key.startswith("features")}
        return refitted(replace(host, cpu_info=info), cpus=self.cpus, memory_gib=self.memory_gib)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update(Edit):
    """Hosts run another platform version, all of them by default: coordinator first, as XAPI wants it."""

    key: ClassVar[str] = "update"
    main: ClassVar[str] = "version"
    version: str
    hosts: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """In words."""
        return f"update {listed(self.hosts) or 'all hosts'} to {self.version}"

    def applied(self, now: Situation) -> Situation:
        """*now* with them; marked as being upgraded while hosts differ.

        Raises:
            InputError: a host is newer already, or others are updated before the coordinator.
        """
        chosen = hosts_in(now.pool, self.hosts, self.words) if self.hosts else list(now.pool.hosts)
        hosts = {uuid: now.pool.hosts[uuid] for uuid in chosen}
        older_than(self.version, list(hosts.values()))
        coordinator = now.pool.hosts[now.pool.coordinator]
        if coordinator.uuid not in hosts and older_than(self.version, [coordinator]):
            raise InputError(self.words, "the coordinator is older than this", f"Update {coordinator.name!r} first")
        new = {
            uuid: replace(host, software_version={**host.software_version, PLATFORM: self.version})
            for uuid, host in hosts.items()
        }
        return replace(now, pool=marked(replace(now.pool, hosts={**now.pool.hosts, **new})))


def refitted(host: Host, *, cpus: int | None, memory_gib: float | None) -> Host:
    """*host* with so many logical CPUs and so much memory.

    Raises:
        InputError: no host has this size.
    """
    likely = cpus is None or 1 <= cpus <= MOST_VCPUS
    if not likely or not (memory_gib is None or 0 < memory_gib <= MOST_GIB):
        raise InputError(f"host {host.name!r}", "no host has this size", "Give 1 CPU or more, and more than 0 GiB")
    info = host.cpu_info if cpus is None else {**host.cpu_info, "cpu_count": str(cpus)}
    memory = host.memory_total_bytes if memory_gib is None else int(memory_gib * GIB)
    return replace(host, cpu_info=info, memory_total_bytes=memory)


def without(pool: Pool, gone: Collection[Uuid]) -> Pool:
    """*pool* without hosts that no guest is on, with all that is theirs."""
    hosts = {uuid: host for uuid, host in pool.hosts.items() if uuid not in gone}
    cards = {pif.uuid for uuid in gone for pif in pool.hosts[uuid].pifs}
    vms = {uuid: vm for uuid, vm in pool.vms.items() if not (vm.is_control_domain and vm.resident_on in gone)}
    networks = {
        uuid: replace(network, pifs=tuple(pif for pif in network.pifs if pif not in cards))
        for uuid, network in pool.networks.items()
        if cards & set(network.pifs)
    }
    coordinator = pool.coordinator if pool.coordinator in hosts else min(hosts)
    kept = {uuid: _unbound(vm, gone) for uuid, vm in vms.items()}
    return replace(pool, coordinator=coordinator, hosts=hosts, vms=kept, networks={**pool.networks, **networks})


def _unbound(vm: VM, gone: Collection[Uuid]) -> VM:
    if vm.affinity not in gone and vm.scheduled_to_be_resident_on not in gone:
        return vm
    affinity = None if vm.affinity in gone else vm.affinity
    coming = None if vm.scheduled_to_be_resident_on in gone else vm.scheduled_to_be_resident_on
    return replace(vm, affinity=affinity, scheduled_to_be_resident_on=coming)


def _restarted(vm: VM, host: Uuid | None) -> VM:
    """*vm* once it was started again on *host*, or halted where there is none."""
    if host is None:
        return replace(vm, resident_on=None, power_state=PowerState.HALTED, metrics=None, current_operations=())
    return replace(vm, resident_on=host, current_operations=())


def _is_dom0(vm: VM, host: Host) -> bool:
    return vm.is_control_domain and vm.resident_on == host.uuid


def _dom0(vm: VM, host: Host, model: Host) -> VM:
    """The control domain of *host*, as that of its *model*."""
    name = vm.name.replace(model.name, host.name) if model.name else vm.name
    return replace(vm, uuid=_part(host.uuid, vm.uuid), name=name, resident_on=host.uuid, vbds=(), vifs=())


def _one(pool: Pool, selector: str) -> Uuid:
    found = sorted(Selectors(pool).hosts([selector], "like"))
    if len(found) == 1:
        return found[0]
    raise InputError(f"like {selector!r}", f"{counted(len(found), 'host')} of this name", "Name one host")


def _size(cpus: int | None, memory_gib: float | None) -> str:
    parts: Sequence[Any] = (
        *(() if cpus is None else (counted(cpus, "CPU"),)),
        *(() if memory_gib is None else (f"{memory_gib:g} GiB",)),
    )
    return " and ".join(parts)


def _uuid(pool: Pool, model: Host, number: int) -> Uuid:
    return str(uuid5(NAMESPACE_OID, f"rebalancer host {pool.uuid} {model.uuid} {number}"))


def _interface(pif: PIF, host: Uuid) -> PIF:
    bond = pif.bond_slave_of and _part(host, pif.bond_slave_of)
    return replace(pif, uuid=_part(host, pif.uuid), bond_slave_of=bond)


def _part(host: Uuid, part: str) -> Uuid:
    return str(uuid5(NAMESPACE_OID, f"{host} {part}"))

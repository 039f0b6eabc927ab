"""Two pools become one, by XAPI's rules for hosts that join a pool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from rebalancer.demand import join_profiles
from rebalancer.errors import InputError
from rebalancer.inventory import Host, Network, Pool, Uuid
from rebalancer.inventory.feature_words import feature_words
from rebalancer.snapshot import read_snapshot
from rebalancer.units import counted, first_few
from rebalancer.whatif.maintenance import PLATFORM
from rebalancer.whatif.scenarios.edit import Edit, Situation

SAME: Final = ("product_version", PLATFORM, "xapi_build")
"""What a host has to have in common with the pool that it joins (`xapi_pool.ml`, `pre_join_checks`)."""
LEVELLED: Final = ("features_hvm", "features_pv")
SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge(Edit):
    """The hosts of the pool in snapshot `file` join this one, and their VMs run on there.

    XAPI takes hosts one by one, and only such as run nothing: what has to be done first is told with the scenario.
    """

    key: ClassVar[str] = "merge"
    main: ClassVar[str] = "file"
    file: str

    @property
    def words(self) -> str:
        """In words."""
        return f"merge the pool of {self.file}"

    def applied(self, now: Situation) -> Situation:
        """*now* with it.

        Raises:
            SnapshotError: the file cannot be read.
            InputError: XAPI lets no host of it join, whatever is done first; or only one of them has metrics.
        """
        there = read_snapshot(self.file)
        refused = list(refusals(now.pool, there.pool))
        if refused:
            raise InputError(self.words, "; ".join(refused), "Bring both to one version and vendor first")
        if (now.demand is None) != (there.demand is None):
            raise InputError(self.words, "only one of the pools has metrics", "Read both with metrics, or neither")
        demand = now.demand and there.demand and join_profiles(now.demand, there.demand)
        return replace(now, pool=merged(now.pool, there.pool), demand=demand).having(*first_steps(now.pool, there.pool))


def refusals(pool: Pool, other: Pool) -> Iterator[str]:
    """What keeps hosts of *other* from *pool* for good: uuids, vendors, versions."""
    twins = [uuid for table in ("hosts", "vms", "vdis") for uuid in _own(pool, table) & _own(other, table)]
    if pool.uuid == other.uuid or twins:
        yield "both are one pool, or share VMs or hosts"
    for words, keys in (("CPU vendor", ("vendor",)), *((key, (key,)) for key in SAME)):
        mine, theirs = _values(pool, keys), _values(other, keys)
        if len(mine | theirs) > 1:
            yield f"{words} differs: {_listed(mine)} here, {_listed(theirs)} there"


def _own(pool: Pool, table: str) -> set[Uuid]:
    """The uuids of a table, but for templates that XAPI makes itself, which are alike everywhere."""
    rows = getattr(pool, table)
    return {uuid for uuid, row in rows.items() if not getattr(row, "is_a_template", False)}


def _values(pool: Pool, keys: tuple[str, ...]) -> set[str]:
    hosts = pool.hosts.values()
    found = {
        (each.cpu_info if key == "vendor" else each.software_version).get(key, "") for key in keys for each in hosts
    }
    return found - {""}


def _listed(values: set[str]) -> str:
    return ", ".join(sorted(values)) or "none"


def first_steps(pool: Pool, other: Pool) -> tuple[str, ...]:
    """What has to be done before XAPI lets the hosts of *other* join *pool*."""
    return tuple(_first_steps(pool, other))


def _first_steps(pool: Pool, other: Pool) -> Iterator[str]:
    yield from (f"switch HA off in pool {each.called}" for each in (pool, other) if each.ha.enabled)
    yield from (f"finish the upgrade of pool {each.called}" for each in (pool, other) if each.rolling_upgrade)
    running = [vm.name or vm.uuid for vm in other.resident_guests()]
    if running:
        vms = counted(len(running), "VM")
        yield f"shut down {vms} of pool {other.called}, and start them once their hosts have joined"
    shared = sorted(sr.name or sr.uuid for sr in other.srs.values() if sr.shared and sr.uuid not in pool.srs)
    if shared:
        yield f"detach shared SRs of pool {other.called}, and introduce them to the new one: {first_few(shared, SHOWN)}"
    if len(other.hosts) > 1:
        yield f"eject the {len(other.hosts) - 1} other hosts of pool {other.called}, which wipes their local disks"


def merged(pool: Pool, other: Pool) -> Pool:
    """*pool* with all that *other* has; networks on one bridge are one, and CPU features what both share."""
    names = {uuid: twin for uuid, each in other.networks.items() if (twin := _twin(each, pool))}
    hosts = {uuid: _on_networks(host, names) for uuid, host in other.hosts.items()}
    vms = {
        uuid: replace(vm, vifs=tuple(replace(vif, network=names.get(vif.network, vif.network)) for vif in vm.vifs))
        for uuid, vm in other.vms.items()
    }
    networks = {uuid: each for uuid, each in other.networks.items() if uuid not in names}
    joined = {
        twin: replace(pool.networks[twin], pifs=tuple(sorted({*pool.networks[twin].pifs, *_pifs(other, names, twin)})))
        for twin in names.values()
    }
    srs = {uuid: sr for uuid, sr in other.srs.items() if uuid not in pool.srs}
    return replace(
        pool,
        cpu_info=_levelled(pool, other),
        hosts=dict(sorted({**hosts, **pool.hosts}.items())),
        vms=dict(sorted({**vms, **pool.vms}.items())),
        vdis=dict(sorted({**other.vdis, **pool.vdis}.items())),
        srs=dict(sorted({**srs, **pool.srs}.items())),
        networks=dict(sorted({**networks, **pool.networks, **joined}.items())),
        storage_drivers={**other.storage_drivers, **pool.storage_drivers},
        vm_groups=dict(sorted({**other.vm_groups, **pool.vm_groups}.items())),
        vgpu_types=dict(sorted({**other.vgpu_types, **pool.vgpu_types}.items())),
    )


def _twin(network: Network, pool: Pool) -> Uuid | None:
    """The network of *pool* that *network* is once its hosts have joined: that of its uuid, or of its bridge."""
    if network.uuid in pool.networks:
        return network.uuid
    alike = [
        each.uuid for each in pool.networks.values() if each.pifs and network.pifs and each.bridge == network.bridge
    ]
    return min(alike, default=None)


def _pifs(other: Pool, names: Mapping[Uuid, Uuid], twin: Uuid) -> set[Uuid]:
    return {pif for uuid, there in names.items() if there == twin for pif in other.networks[uuid].pifs}


def _on_networks(host: Host, names: Mapping[Uuid, Uuid]) -> Host:
    return replace(host, pifs=tuple(replace(pif, network=names.get(pif.network, pif.network)) for pif in host.pifs))


def _levelled(pool: Pool, other: Pool) -> dict[str, str]:
    """The CPU of the pool, with the features that both have."""
    return {
        key: _common(value, other.cpu_info.get(key, "")) if key in LEVELLED else value
        for key, value in pool.cpu_info.items()
    }


def _common(mine: str, theirs: str) -> str:
    one, two = feature_words(mine), feature_words(theirs)
    if not one or not two:
        return mine
    return "-".join(f"{first & second:08x}" for first, second in zip(one, two, strict=False))

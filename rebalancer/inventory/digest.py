"""A digest of what the rules read: equal digests mean that every rule answers as before.

A field of the inventory is one of four things. What is in none of the tables below decides: some rule reads it, and a
change of it changes the digest. `NAMES` are told where they change, see `rebalancer.inventory.renaming`; `WISHES` are
read by the policy alone, and count by what they come to mean (`rebalancer.policy.intent_digest`); `LEFT_OUT` decides
nothing, or changes by itself: measured memory up to the dynamic maximum (above it, it counts, in whole MiB), uptime,
used space, addresses, the notes that tools keep in `other_config`, and templates, snapshots and disks that no guest
uses.

A plan carries the digest of the pool that it was made for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import Any, Final

from rebalancer.inventory.host import PBD, PGPU, PIF, Host
from rebalancer.inventory.pool import HighAvailability, Network, Pool, VGPUType, VMGroup
from rebalancer.inventory.references import Uuid
from rebalancer.inventory.storage import SR, VDI, StorageDriver
from rebalancer.inventory.vm import VBD, VGPU, VIF, VM, GuestMetrics, MemoryRange, VMMetrics
from rebalancer.units import demand_mib

Fields = Mapping[type, frozenset[str]]
"""Fields by their class."""

KINDS: Final = (
    *(Pool, HighAvailability, Host, PBD, PIF, PGPU, Network, SR, VDI, StorageDriver, VMGroup, VGPUType),
    *(VM, MemoryRange, VBD, VIF, VGPU, VMMetrics, GuestMetrics),
)
"""The classes of an inventory."""

NAMES: Final[Fields] = {kind: frozenset({"name"}) for kind in (Pool, Host, Network, SR, VDI, VMGroup, VM)}
"""What things are called: told where it changes, and in no digest."""

WISHES: Final[Fields] = {
    Host: frozenset({"tags"}),
    Pool: frozenset({"vm_groups"}),
    SR: frozenset({"tags"}),
    VM: frozenset({"tags", "affinity", "groups"}),
    VMGroup: frozenset({"uuid", "placement", "unsaid", "vms"}),
}
"""What only the policy reads. The `affinity` of a control domain is its host, and added back."""

LEFT_OUT: Final[Fields] = {
    GuestMetrics: frozenset({"networks"}),
    HighAvailability: frozenset({"host_failures_to_tolerate"}),
    Host: frozenset({"address", "ghost_operations", "hostname", "license_params", "other_config"}),
    Network: frozenset({"bridge"}),
    PGPU: frozenset({"resident_vgpus"}),
    PIF: frozenset({"vlan"}),
    Pool: frozenset({"vms", "vdis", "dangling", "migration_compression", "tags", "wlb_url"}),
    SR: frozenset({"content_type", "other_config", "physical_utilisation_bytes"}),
    VDI: frozenset({"physical_utilisation_bytes"}),
    VM: frozenset({"ghost_operations", "order", "start_delay"}),
    VMMetrics: frozenset({"memory_actual_bytes", "start_time"}),
}
"""What no rule decides on; the `vms` and `vdis` of a pool are added back in part."""

KEYS_READ: Final[Mapping[str, frozenset[str]]] = {
    "other": frozenset({"feature-suspend", "data-cant-suspend-reason"}),
    "other_config": frozenset(
        {
            "assume_network_is_shared",
            "is_system_domain",
            "mac_seed",
            "pci",
            "rolling_upgrade_in_progress",
            "xo:migrationNetwork",
        }
    ),
}
"""Maps in which everybody keeps notes, and the keys of them that decide something."""

FORM_DIGITS: Final = 8

PLAIN: Final = frozenset({str, int, float, bool, type(None)})
"""What most values are, and JSON has as it is."""

CONTAINERS: Final = frozenset({tuple, list, dict})
"""What JSON has as it is where it is empty, as it often is."""


def inventory_digest(pool: Pool) -> str:
    """What is read of a pool, and SHA-256 over the canonical JSON of it in *pool*: `FORM:DIGEST`, both in hex.

    Digests of two forms, as versions write them that read other fields, say nothing of each other.
    """
    vms = {vm.uuid: vm for vm in pool.vms.values() if counts(vm)}
    facts = {
        "pool": _facts(pool),
        "vms": {uuid: _facts(vm) | _added(vm) for uuid, vm in vms.items()},
        "vdis": {uuid: _facts(pool.vdis[uuid]) for uuid in disks_used(pool, vms.values())},
    }
    return f"{digest_form()}:{_sha256(facts)}"


@cache
def digest_form() -> str:
    """Which fields count, as the first digits of a digest of their names."""
    counted = {kind.__name__: _read(kind) for kind in KINDS}
    return _sha256([counted, {name: sorted(keys) for name, keys in KEYS_READ.items()}])[:FORM_DIGITS]


def of_one_form(one: str, other: str) -> bool:
    """Whether two digests of inventories can be compared."""
    return one.partition(":")[0] == other.partition(":")[0]


def _sha256(facts: object) -> str:
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _added(vm: VM) -> dict[str, Any]:
    """What counts of fields that are left out."""
    home = vm.affinity if vm.is_control_domain else None
    return {"held_mib": held_mib(vm), "ipv6": _uses_ipv6(vm), "home": home}


def inventory_digests(pool: Pool) -> dict[Uuid, str]:
    """The digest of each pool that was joined into *pool*, as it stands there; its own where none was."""
    return {part.uuid: inventory_digest(part) for part in pool.parts}


def counts(vm: VM) -> bool:
    """Whether some rule reads the VM: a guest, or anything that occupies a host or is on its way to one."""
    return vm.is_guest or vm.resident_on is not None or vm.scheduled_to_be_resident_on is not None


def held_mib(vm: VM) -> int:
    """Whole MiB that the VM may take: more than its dynamic maximum only where it has that now."""
    actual = vm.metrics.memory_actual_bytes if vm.metrics else 0
    return demand_mib(max(actual, vm.memory.dynamic_max_bytes))


def _uses_ipv6(vm: VM) -> bool:
    """Whether the guest has an IPv6 address; which one decides nothing."""
    return vm.guest_metrics is not None and any("/ipv6/" in key for key in vm.guest_metrics.networks)


def disks_used(pool: Pool, vms: Iterable[VM]) -> set[Uuid]:
    """The disks of *pool* that are in drives of *vms*, or hold their memory while they are suspended."""
    found = (vdi for vm in vms for vdi in (vm.suspend_vdi, *(vbd.vdi for vbd in vm.vbds)))
    return {uuid for uuid in found if uuid is not None and uuid in pool.vdis}


def _facts(value: object) -> Any:  # noqa: ANN401 - JSON
    """*value* as JSON, without what no rule reads."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind in CONTAINERS and not value:
        return value
    if kind is tuple or kind is list:
        return [each if type(each) in PLAIN else _facts(each) for each in value]  # type: ignore[attr-defined]
    if reader := _reader(kind):  # type: ignore[arg-type]  # a class can be hashed
        names, values = reader
        pairs = zip(names, values(value), strict=True)
        return {name: each if type(each) in PLAIN else _field(name, each) for name, each in pairs}
    if kind is dict or isinstance(value, Mapping):
        return {key: each if type(each) in PLAIN else _facts(each) for key, each in value.items()}  # type: ignore[attr-defined]
    return value


@cache
def _reader(kind: type) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]] | None:
    """The names of the fields that are read of a record, and what reads them; None of anything else."""
    names = _read(kind) if is_dataclass(kind) else ()
    return (names, attrgetter(*names) if len(names) > 1 else _first_of(names[0])) if names else None


def _first_of(name: str) -> Callable[[Any], tuple[Any, ...]]:
    return lambda record: (getattr(record, name),)


def _field(name: str, value: object) -> Any:  # noqa: ANN401 - JSON
    """A field as JSON; of maps in which everybody keeps notes, the keys that decide something."""
    keys = KEYS_READ.get(name)
    if keys is not None and isinstance(value, Mapping):
        return {key: each for key, each in value.items() if key in keys}
    return _facts(value)


@cache
def _read(kind: type) -> tuple[str, ...]:
    left_out = frozenset[str]().union(*(table.get(kind, ()) for table in (NAMES, WISHES, LEFT_OUT)))
    return tuple(field.name for field in fields(kind) if field.name not in left_out)

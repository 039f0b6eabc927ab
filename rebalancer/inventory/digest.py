"""A digest of what the rules read: equal digests mean that every rule answers as before.

Left out is what changes by itself and decides nothing: measured memory up to the dynamic maximum (above it, it counts,
in whole MiB), uptime, used space, addresses and names inside guests, the notes that tools keep in `other_config`,
and templates, snapshots and disks that no guest uses. A plan carries the digest of the pool that it was made for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Final

from rebalancer.inventory.host import PBD, Host
from rebalancer.inventory.pool import Pool
from rebalancer.inventory.references import Uuid
from rebalancer.inventory.storage import SR, VDI
from rebalancer.inventory.vm import VM, GuestMetrics, VMMetrics
from rebalancer.units import demand_mib

LEFT_OUT: Final[Mapping[type, frozenset[str]]] = {
    Host: frozenset({"other_config"}),
    SR: frozenset({"physical_utilisation_bytes"}),
    VDI: frozenset({"physical_utilisation_bytes"}),
    VMMetrics: frozenset({"memory_actual_bytes", "start_time"}),
    GuestMetrics: frozenset({"networks"}),
    Pool: frozenset({"vms", "vdis", "dangling"}),
}
"""Fields that no rule decides on, by class; `vms` and `vdis` are added back in part."""

ADDED: Final[Mapping[type, frozenset[str]]] = {
    PBD: frozenset({"image_formats"}),
    SR: frozenset({"thin"}),
    VDI: frozenset({"missing"}),
}
"""Fields that were added later: they count where they say something, so that older plans still fit their pool."""

KEYS_READ: Final[Mapping[str, frozenset[str]]] = {
    "other": frozenset({"feature-suspend", "data-cant-suspend-reason"}),
    "other_config": frozenset(
        {"assume_network_is_shared", "is_system_domain", "pci", "rolling_upgrade_in_progress", "xo:migrationNetwork"}
    ),
}
"""Maps in which everybody keeps notes, and the keys of them that decide something."""


def inventory_digest(pool: Pool) -> str:
    """SHA-256, in hex, over the canonical JSON of what the rules read of *pool*."""
    vms = {vm.uuid: vm for vm in pool.vms.values() if _counts(vm)}
    facts = {
        "pool": _facts(pool),
        "vms": {uuid: _facts(vm) | {"held_mib": _held_mib(vm), "ipv6": _uses_ipv6(vm)} for uuid, vm in vms.items()},
        "vdis": {uuid: _facts(pool.vdis[uuid]) for uuid in _disks(pool, vms.values())},
    }
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def inventory_digests(pool: Pool) -> dict[Uuid, str]:
    """The digest of each pool that was joined into *pool*, as it stands there; its own where none was."""
    return {part.uuid: inventory_digest(part) for part in pool.parts}


def _counts(vm: VM) -> bool:
    """Whether some rule reads the VM: a guest, or anything that occupies a host or is on its way to one."""
    return vm.is_guest or vm.resident_on is not None or vm.scheduled_to_be_resident_on is not None


def _held_mib(vm: VM) -> int:
    """Whole MiB that the VM may take: more than its dynamic maximum only where it has that now."""
    actual = vm.metrics.memory_actual_bytes if vm.metrics else 0
    return demand_mib(max(actual, vm.memory.dynamic_max_bytes))


def _uses_ipv6(vm: VM) -> bool:
    """Whether the guest has an IPv6 address; which one decides nothing."""
    return vm.guest_metrics is not None and any("/ipv6/" in key for key in vm.guest_metrics.networks)


def _disks(pool: Pool, vms: Iterable[VM]) -> set[Uuid]:
    found = (vdi for vm in vms for vdi in (vm.suspend_vdi, *(vbd.vdi for vbd in vm.vbds)))
    return {uuid for uuid in found if uuid is not None and uuid in pool.vdis}


def _facts(value: object) -> Any:  # noqa: ANN401 - JSON
    """*value* as JSON, without what no rule reads."""
    if is_dataclass(value) and not isinstance(value, type):
        added = ADDED.get(type(value), frozenset())
        found = {name: getattr(value, name) for name in _read(type(value))}
        return {name: _field(name, each) for name, each in found.items() if each or name not in added}
    if isinstance(value, Mapping):
        return {key: _facts(each) for key, each in value.items()}
    if isinstance(value, (tuple, list)):
        return [_facts(each) for each in value]
    return value


def _field(name: str, value: object) -> Any:  # noqa: ANN401 - JSON
    """A field as JSON; of maps in which everybody keeps notes, the keys that decide something."""
    keys = KEYS_READ.get(name)
    if keys is not None and isinstance(value, Mapping):
        return {key: each for key, each in value.items() if key in keys}
    return _facts(value)


@cache
def _read(kind: type) -> tuple[str, ...]:
    left_out = LEFT_OUT.get(kind, frozenset())
    return tuple(field.name for field in fields(kind) if field.name not in left_out)

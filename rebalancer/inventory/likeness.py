"""Whether two inventories, or parts of them, are alike: nothing that anybody decides by tells one from the other.

Stricter than `inventory_digest`: what people wish and how they call things has to be the same here as well. Left out is
only what changes by itself, and what notes tools keep in `other_config`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Final

from rebalancer.inventory.digest import KEYS_READ, counts, disks_used
from rebalancer.inventory.pool import Pool
from rebalancer.inventory.storage import SR, VDI
from rebalancer.inventory.vm import VMMetrics

TABLES: Final = ("hosts", "networks", "srs", "storage_drivers", "vdis", "vgpu_types", "vm_groups", "vms")
"""What of a pool is many objects."""

BY_ITSELF: Final[Mapping[type, frozenset[str]]] = {
    Pool: frozenset({"dangling", *TABLES}),
    SR: frozenset({"physical_utilisation_bytes"}),
    VDI: frozenset({"physical_utilisation_bytes"}),
    VMMetrics: frozenset({"memory_actual_bytes", "start_time"}),
}
"""What changes all the time and decides nothing, measured memory within the range of its VM; and a pool's tables."""


def alike(one: object, other: object) -> bool:
    """Whether two objects of an inventory decide everything alike; of pools, what belongs to no object in them."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if is_dataclass(one) and not isinstance(one, type):
        return all(_same(name, getattr(one, name), getattr(other, name)) for name in _compared(type(one)))
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    return one == other


def tables_alike(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Whether two tables have the same objects, which are alike."""
    if one is other:
        return True
    return one.keys() == other.keys() and all(alike(each, other[key]) for key, each in one.items())


def disks_alike(one: Pool, other: Pool) -> bool:
    """Whether the disks of guests are alike, and of all that occupies a host."""
    if one.vdis is other.vdis:
        return True
    unlike = {
        uuid for uuid in one.vdis.keys() | other.vdis.keys() if not alike(one.vdis.get(uuid), other.vdis.get(uuid))
    }
    return not unlike or not any(
        unlike & disks_used(pool, [vm for vm in pool.vms.values() if counts(vm)]) for pool in (one, other)
    )


@cache
def _compared(kind: type) -> tuple[str, ...]:
    left_out = BY_ITSELF.get(kind, frozenset())
    return tuple(field.name for field in fields(kind) if field.name not in left_out)


def _same(name: str, one: Any, other: Any) -> bool:  # noqa: ANN401 - any field
    keys = KEYS_READ.get(name)
    if keys is not None and isinstance(one, Mapping) and isinstance(other, Mapping):
        return all(one.get(key) == other.get(key) for key in keys)
    return alike(one, other)

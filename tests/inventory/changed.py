"""A pool with something of every class, and the same pool with one field of all objects of a class changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

from rebalancer.inventory import PGPU, VGPU, Pool, VMGroup
from rebalancer.inventory.pool import VGPUType
from rebalancer.units import GIB
from tests.pools import (
    make_cd,
    make_disk,
    make_driver,
    make_host,
    make_metrics,
    make_pool,
    make_tools,
    make_vif,
    make_vm,
)

CARD = PGPU(
    uuid="card",
    gpu_group="cards",
    pci="pci",
    enabled_types=("kind",),
    max_capacities={"kind": 4},
    resident_vgpus=("vgpu",),
    compatibility_metadata={},
)
ON_CARD = VGPU(
    uuid="vgpu", type="kind", gpu_group="cards", resident_on="card", scheduled_to_be_resident_on=None, pci=None
)


def rich_pool() -> Pool:
    """Two hosts, one of them with a card, and a VM that has one of everything."""
    full = make_vm(
        "full",
        vbds=(make_disk("full"), make_cd("full", "iso")),
        vifs=(make_vif("full"),),
        vgpus=(ON_CARD,),
        metrics=make_metrics(memory_actual_bytes=GIB),
        guest_metrics=make_tools(),
    )
    return make_pool(
        hosts=[make_host("h1", pgpus=(CARD,)), make_host("h2")],
        vms=[full, make_vm("bare", metrics=None)],
        vgpu_types={"kind": VGPUType(uuid="kind", model_name="grid", implementation="nvidia")},
        vm_groups={"group": VMGroup(uuid="group", name="web", placement="anti_affinity", vms=("full", "bare"))},
        storage_drivers={"nfs": make_driver("nfs")},
    )


def with_changed(value: Any, kind: type, name: str) -> Any:  # noqa: ANN401 - any part of a pool
    """*value* with field *name* of every object of *kind* in it changed, keys of tables left alone."""
    if is_dataclass(value) and not isinstance(value, type):
        changes = {
            field.name: other(getattr(value, field.name))
            if type(value) is kind and field.name == name
            else with_changed(getattr(value, field.name), kind, name)
            for field in fields(value)
            if field.init
        }
        return replace(value, **changes)
    if isinstance(value, Mapping):
        return {key: with_changed(each, kind, name) for key, each in value.items()}
    return tuple(with_changed(each, kind, name) for each in value) if isinstance(value, tuple) else value


def other(value: Any) -> Any:  # noqa: ANN401, PLR0911 - any field, a line a type
    """Another value of the same type; of what has parts, without them."""
    match value:
        case bool():
            return not value
        case Enum():
            return next(each for each in type(value) if each != value)
        case int() | float():
            return value + 1
        case str():
            return f"{value} x"
        case tuple():
            return value[1:] if value else ("x",)
        case Mapping():
            return dict(list(value.items())[1:]) if value else {"x": "y"}
        case None:
            return "x"
    raise TypeError(value)

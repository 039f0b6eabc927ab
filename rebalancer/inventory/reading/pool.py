"""What belongs to no single host: HA, VM groups, networks, kinds of virtual GPU."""

from __future__ import annotations

from rebalancer.inventory.pool import HighAvailability, Network, VGPUType, VMGroup
from rebalancer.inventory.reading.fields import Fields
from rebalancer.inventory.reading.tables import Tables


def high_availability(fields: Fields) -> HighAvailability:
    """The pool's HA settings."""
    return HighAvailability(
        enabled=fields.boolean("ha_enabled"),
        host_failures_to_tolerate=fields.integer("ha_host_failures_to_tolerate"),
        plan_exists_for=fields.integer("ha_plan_exists_for"),
        allow_overcommit=fields.boolean("ha_allow_overcommit"),
    )


def vm_group(tables: Tables, fields: Fields) -> VMGroup:
    """A VM group, since XAPI 24.19."""
    return VMGroup(
        uuid=fields.uuid,
        name=fields.text("name_label"),
        placement=fields.text("placement", "normal"),
        vms=tables.living("VM", fields, "VMs"),
        unsaid=tables.unsaid(),
    )


def network(tables: Tables, fields: Fields) -> Network:
    """A network; all are managed by XAPI below XenServer 7.2."""
    return Network(
        uuid=fields.uuid,
        name=fields.text("name_label"),
        bridge=fields.text("bridge"),
        managed=fields.boolean("managed", absent=True),
        pifs=tables.uuids("PIF", fields, "PIFs"),
        other_config=fields.texts("other_config"),
        unsaid=tables.unsaid(),
    )


def vgpu_type(fields: Fields) -> VGPUType:
    """A kind of virtual GPU; without an implementation (XenServer below 7.0) it counts as none that migrates."""
    names = {name: fields.text(name) for name in ("model_name", "implementation")}
    return VGPUType(uuid=fields.uuid, **names)

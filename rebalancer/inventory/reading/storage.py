"""Storage repositories, virtual disks and drivers."""

from __future__ import annotations

from rebalancer.inventory.reading.fields import Fields
from rebalancer.inventory.reading.tables import Tables
from rebalancer.inventory.storage import SR, VDI, StorageDriver


def storage_repository(tables: Tables, fields: Fields) -> SR:
    """A storage repository; one of unknown size has no room."""
    return SR(
        uuid=fields.uuid,
        name=fields.text("name_label"),
        type=fields.text("type"),
        content_type=fields.text("content_type"),
        shared=fields.boolean("shared", absent=False),
        physical_size_bytes=fields.integer("physical_size", 0),
        physical_utilisation_bytes=fields.integer("physical_utilisation", 0),
        other_config=fields.texts("other_config"),
        tags=fields.names("tags"),
        thin=fields.texts("sm_config").get("allocation") == "thin",
        unsaid=tables.unsaid(),
    )


def disk(tables: Tables, fields: Fields) -> VDI:
    """A virtual disk, snapshots included."""
    return VDI(
        uuid=fields.uuid,
        name=fields.text("name_label"),
        sr=tables.some_uuid("SR", fields.raw("SR"), fields),
        virtual_size_bytes=fields.integer("virtual_size"),
        physical_utilisation_bytes=fields.integer("physical_utilisation"),
        type=fields.text("type"),
        read_only=fields.boolean("read_only", absent=False),
        sharable=fields.boolean("sharable", absent=False),
        on_boot=fields.text("on_boot", "persist"),
        is_a_snapshot=fields.boolean("is_a_snapshot"),
        snapshot_of=tables.uuid("VDI", fields.raw("snapshot_of"), fields),
        cbt_enabled=fields.optional_boolean("cbt_enabled"),
        sm_config=fields.texts("sm_config"),
        current_operations=fields.operations(),
        missing=fields.boolean("missing", absent=False),
        unsaid=tables.unsaid(),
    )


def driver(tables: Tables, fields: Fields) -> StorageDriver:
    """What an SR type can do: `features` since XenServer 6.5, `capabilities` before."""
    return StorageDriver(
        uuid=fields.uuid,
        type=fields.text("type"),
        features=fields.names("features") or fields.names("capabilities"),
        supported_image_formats=fields.names("supported_image_formats"),
        unsaid=tables.unsaid(),
    )

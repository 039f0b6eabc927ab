"""Storage repositories, virtual disks and the drivers that serve them.

`unsaid` are the fields that a record lacks or holds in a form that nobody can read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rebalancer.inventory.references import Uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class SR:
    """A storage repository; sizes in bytes. one that is `thin` gives disks what they fill only."""

    uuid: Uuid
    name: str
    type: str
    content_type: str
    shared: bool
    physical_size_bytes: int
    physical_utilisation_bytes: int
    other_config: Mapping[str, str]
    tags: tuple[str, ...]
    thin: bool = False
    unsaid: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VDI:
    """A virtual disk; sizes in bytes. `cbt_enabled` is None where this version of XAPI does not know the field.

    One that is `missing` was not found when SM last scanned its SR.
    """

    uuid: Uuid
    name: str
    sr: Uuid
    virtual_size_bytes: int
    physical_utilisation_bytes: int
    type: str
    read_only: bool
    sharable: bool
    on_boot: str
    is_a_snapshot: bool
    snapshot_of: Uuid | None
    cbt_enabled: bool | None
    sm_config: Mapping[str, str]
    current_operations: tuple[str, ...]
    missing: bool = False
    unsaid: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageDriver:
    """XenAPI class SM: what the drivers of one SR type can do."""

    uuid: Uuid
    type: str
    features: tuple[str, ...]
    supported_image_formats: tuple[str, ...]
    unsaid: tuple[str, ...] = ()

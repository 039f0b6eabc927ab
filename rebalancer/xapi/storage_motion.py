"""What XAPI is told of a VM that takes disks along inside its pool: `VM.assert_can_migrate`, `VM.migrate_send`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rebalancer.inventory import Uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageMotion:
    """A VM, the host and network that receive it, and the SR of every disk of it, by VDI, whether it moves or not.

    Calls of six arguments are all that is needed: later versions know further ones, about virtual GPUs and image
    formats, and default them. VIFs are not mapped inside a pool: XAPI refuses that.
    """

    vm: Uuid
    host: Uuid
    network: Uuid
    sr_of: Mapping[Uuid, Uuid]

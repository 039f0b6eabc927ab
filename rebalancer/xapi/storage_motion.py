"""What XAPI is told of a VM that takes disks along: `VM.assert_can_migrate`, `VM.migrate_send`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rebalancer.inventory import Uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageMotion:
    """A VM, its host, the host and network that receive it, and the SR of every disk by VDI, whether it moves or not.

    `network_of` has the network of every VIF, where the host is in another pool; inside a pool XAPI refuses that. Calls
    of six arguments are all that is needed: later versions know further ones, about virtual GPUs and image formats, and
    default them.
    """

    vm: Uuid
    source: Uuid
    host: Uuid
    network: Uuid
    sr_of: Mapping[Uuid, Uuid]
    network_of: Mapping[Uuid, Uuid] = field(default_factory=dict)

"""What a live pool is told of a migration with disks, and what it answers of VMs, tasks and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rebalancer.inventory import PowerState, Uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageMotion:
    """What `VM.assert_can_migrate` and `VM.migrate_send` take.

    The host and network receive the VM; `sr_of` has the SR of every disk by VDI, whether it moves or not, `network_of`
    the network of every VIF where the host is in another pool: inside a pool XAPI refuses that. Six arguments are all
    that a call needs; later versions know further ones, about virtual GPUs and image formats, and default them.
    """

    vm: Uuid
    source: Uuid
    host: Uuid
    network: Uuid
    sr_of: Mapping[Uuid, Uuid]
    network_of: Mapping[Uuid, Uuid] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where a VM is, as the pool says now.

    `operations` are those under way, `blocked` those that somebody forbids, each with a reason; `marks` are what runs
    have left on it, see `rebalancer.xapi.marks`; `note` is what people should know of it.
    """

    power_state: PowerState
    resident_on: Uuid | None
    scheduled_to: Uuid | None
    operations: tuple[str, ...]
    blocked: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


class TaskStatus(StrEnum):
    """How a task stands; a cancelled task is `PENDING` until it has ended, a forgotten one has `VANISHED`."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"
    VANISHED = "vanished"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
    """A task: `progress` from 0 to 1 (1 also for failures), `error` the code and its parameters."""

    status: TaskStatus
    progress: float
    error: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What has changed: tasks by reference, as they stand now, and VMs."""

    tasks: Mapping[str, TaskState] = field(default_factory=dict)
    vms: frozenset[Uuid] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsFailure:
    """Why one host's metrics are missing, in words."""

    host: Uuid
    reason: str

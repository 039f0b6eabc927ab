"""The demand that a plan carries, so that whoever holds it can judge its figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rebalancer.inventory import Uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """pCPUs of one VM or host in each slot."""

    uuid: Uuid
    pcpu: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcePeak:
    """The highest load of a host on a resource beside CPU, as a share of what it has."""

    resource: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedMetrics:
    """A host or VM whose metrics say nothing, and why."""

    uuid: Uuid
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUse:
    """Bytes that a guest uses, by its own agent."""

    uuid: Uuid
    used_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowCurve:
    """Gbit/s or MB/s in each slot of one VM on a network or of one host on an interface; `place` is "" for disks."""

    owner: Uuid
    kind: Literal["sent", "received", "disk"]
    place: str
    rates: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The demand behind the plan's figures, as far as it changes anything.

    `hosts` holds what each host carries whatever the plan does: its own load and the VMs that stay. `vms` holds the VMs
    that the plan moves. Together they give every host's load before and after.

    With a robust policy, `host_peaks` holds how far above that the worst VMs that stay on a host may peak, a curve
    each, as many as the policy's budget says, and `vm_peaks` the same of each VM that moves.

    `flows` holds the same of other resources, where the policy gives one a weight: of each VM that moves, and of each
    host with the VMs that stay, by the interface that carries them.

    Of hosts whose metrics are `refused`, what `hosts` holds says nothing. `memory_used` is of VMs that the plan moves.
    """

    slot_hours: float
    hosts: tuple[Curve, ...]
    vms: tuple[Curve, ...]
    host_peaks: tuple[Curve, ...]
    vm_peaks: tuple[Curve, ...]
    refused: tuple[RefusedMetrics, ...] = ()
    memory_used: tuple[MemoryUse, ...] = ()
    flows: tuple[FlowCurve, ...] = ()

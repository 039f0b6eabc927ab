"""One step of a plan: a migration, what goes along, when, and what its hosts hold meanwhile. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rebalancer.inventory import Uuid
from rebalancer.placement import DiskMove, Migration


class StepKind(StrEnum):
    """Whether a step brings its VM to its last host, or parks it on the way."""

    MOVE = "move"
    HOP = "hop"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostMemory:
    """What the VMs on a host hold by xapi's count while a step runs, and after it, if steps run in their order."""

    host: Uuid
    during_bytes: int
    after_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDisk:
    """A disk that goes along to another SR, in a drive (VBD) that keeps its uuid; the copy is a disk with a new one.

    `size_bytes` is the disk in full and its snapshots: what is copied.
    """

    drive: Uuid
    disk: Uuid
    name: str
    source: Uuid
    source_name: str
    target: Uuid
    target_name: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepNetwork:
    """An interface (VIF) of a VM, or of a snapshot of it, and the network that it comes to in another pool."""

    vif: Uuid
    device: str
    source: Uuid
    source_name: str
    target: Uuid
    target_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """The other pool that a step leads to; `networks` are all interfaces of its VM and its snapshots, sorted."""

    pool: Uuid
    pool_name: str
    networks: tuple[StepNetwork, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSqueeze:
    """What a VM with a dynamic range has before the migration, and what it is cut to while it runs, in bytes."""

    from_bytes: int
    to_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedHosts:
    """Hosts that may not take a VM, by the first rule that says so; `words` are about the first of them."""

    rule: str
    words: str
    hosts: tuple[Uuid, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EjectedCD:
    """A CD that XAPI ejects from a drive of a VM that takes disks along, and does not insert again."""

    device: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One XenMotion; a Storage XenMotion where disks go along, to another pool where it is a `crossing`.

    `after` names the steps that have to be done before this one starts; whatever order respects `after` is legal.
    `memory_bytes` and `disks`, sorted by drive, are what is copied, over `network`, or by the management interfaces
    where that is None. It likely takes `seconds`, and between `seconds_low` and `seconds_high`; it begins
    `start_seconds` after the first step. `hosts` are source and target. `squeeze` is None where
    the VM keeps its memory. `refused` are the hosts that may not take the VM from where it was before the plan, however
    much room they have; None where a plan does not say it. `ejects` are CDs that the target does not see; None where no
    disks go along, so that XAPI ejects none, and where a plan does not say it.
    """

    id: str
    kind: StepKind
    vm: Uuid
    vm_name: str
    source: Uuid
    source_name: str
    target: Uuid
    target_name: str
    after: tuple[str, ...]
    memory_bytes: int
    disks: tuple[StepDisk, ...]
    network: Uuid | None
    seconds: float
    seconds_low: float
    seconds_high: float
    start_seconds: float
    hosts: tuple[HostMemory, HostMemory]
    why: str
    crossing: Crossing | None = None
    squeeze: StepSqueeze | None = None
    refused: tuple[RefusedHosts, ...] | None = None
    ejects: tuple[EjectedCD, ...] | None = None

    @property
    def carries(self) -> bool:
        """Whether disks go along."""
        return bool(self.disks)

    @property
    def end_seconds(self) -> float:
        """When it is done, counted from the start of the first step."""
        return round(self.start_seconds + self.seconds, 1)

    @property
    def disk_bytes(self) -> int:
        """The disks that go along, in full."""
        return sum(disk.size_bytes for disk in self.disks)

    @property
    def copied_bytes(self) -> int:
        """Memory and disks."""
        return self.memory_bytes + self.disk_bytes

    @property
    def migration(self) -> Migration:
        """What changes its place."""
        disks = tuple(DiskMove(drive=each.drive, source=each.source, target=each.target) for each in self.disks)
        hop = self.kind is StepKind.HOP
        return Migration(vm=self.vm, source=self.source, target=self.target, disks=disks, hop=hop)

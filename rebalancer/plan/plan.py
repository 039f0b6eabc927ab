"""A plan: what moves where, in which order, why, and what was left alone. Values only; no solver, no references.

A field with a default is one that a later version of the same format added: files of earlier versions are without it,
and so is every file in which it would say nothing but its default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rebalancer.essence import line_of, table_of
from rebalancer.inventory import Uuid
from rebalancer.placement import Placement
from rebalancer.plan.ha import HAMargin
from rebalancer.plan.load import Load, ResourcePeak
from rebalancer.plan.made_from import MadeFrom
from rebalancer.plan.step import Step
from rebalancer.policy import Policy
from rebalancer.slots import Slots
from rebalancer.tier import TierResult

FORMAT = "rebalancer-plan/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How long the steps take if each is launched as soon as `after` and the policy's limits allow.

    They may begin at `begins_at`, when a change window opens that closes at `closes_at`; None where it never does.
    `late` are the steps that would not be done by then. No schedule of these steps is shorter than `bound_seconds`;
    `bound_by` says why.
    """

    begins_at: datetime
    closes_at: datetime | None
    seconds: float
    seconds_low: float
    seconds_high: float
    bound_seconds: float
    bound_by: str
    late: tuple[str, ...]

    @property
    def gap(self) -> float:
        """How far the schedule is from its bound, as a share of the bound; 0 where it meets it."""
        return max(0.0, self.seconds / self.bound_seconds - 1) if self.bound_seconds else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """A host before or after the plan.

    `peak_share` is its highest load in any slot as a share of the pCPUs that plans count on, `peak_slot` that slot;
    both None without metrics, of the pool or of this host. `memory_used_bytes` is what the guests hold by xapi's count,
    `overload_pcpu_hours` what is above the threshold, None in plans that did not say it. Resources beside CPU have
    `resource_peaks` where the policy gives them a weight.
    """

    vms: tuple[Uuid, ...]
    memory_used_bytes: int
    peak_share: float | None
    peak_slot: int | None
    overload_pcpu_hours: float | None = None
    resource_peaks: tuple[ResourcePeak, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRow:
    """A host before and after the plan.

    `memory_total_bytes` is what guests may hold there, None where the host does not say what it has;
    `memory_peak_bytes` the most that they hold at any moment of any order that the steps allow, however many run at
    once. Shares of its CPU are of `cpu_capacity_pcpu`: None where its load is not counted, and in older plans.
    """

    uuid: Uuid
    name: str
    memory_total_bytes: int | None
    memory_peak_bytes: int
    before: HostState
    after: HostState
    cpu_capacity_pcpu: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SRRow:
    """An SR that the disks in some drives come to or leave, and the bytes of those, snapshots included, in full."""

    uuid: Uuid
    name: str
    size_bytes: int
    gains: tuple[Uuid, ...]
    gained_bytes: int
    loses: tuple[Uuid, ...]
    lost_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftAlone:
    """A VM or host that nothing was done about: the rule that holds it, its words, a `fix`; "" where none is told."""

    kind: str
    uuid: Uuid
    name: str
    rule: str
    words: str
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAsItIs:
    """A host, with so many `guests` that stay there, or VM that is held: why, in words after its name; what ends it."""

    kind: str
    uuid: Uuid
    name: str
    guests: int
    words: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A move of a better placement that the plan does without: which rule stands in its way once the plan is done."""

    vm: Uuid
    vm_name: str
    target: Uuid
    target_name: str
    rule: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OldViolation:
    """A rule that was broken before the plan: whether the plan mends it, and if not, why not."""

    rule: str
    words: str
    mended: bool
    why_not: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Plan:
    """Steps that lead from one legal placement to a better one, each state between them legal.

    A plan is incomplete where moves are `missing`: it is a legal part of what was found, and legal as an end.
    `outcome` and `reason` are the solver's, in a word and in words; `bound_by` names what gave the main tier its bound.
    `held` are the hosts and VMs that are sick, or do not say what plans rest on: nothing is done about them.
    `ha` is of each pool whose high availability plans for failures; None in plans that do not tell it.
    `rollback` leads back, `no_way_back` tells which VMs it cannot bring back and by which rule. `digest` is the SHA-256
    of everything else, see `rebalancer.plan.document`.
    """

    format: str
    made_at: datetime
    expires_at: datetime
    made_from: MadeFrom
    summary: str
    outcome: str
    reason: str
    bound_by: str
    tiers: tuple[TierResult, ...]
    steps: tuple[Step, ...]
    missing: tuple[Missing, ...]
    schedule: Schedule
    hosts: tuple[HostRow, ...]
    srs: tuple[SRRow, ...]
    load: Load | None
    left_alone: tuple[LeftAlone, ...]
    old_violations: tuple[OldViolation, ...]
    warnings: tuple[str, ...]
    rollback: tuple[Step, ...]
    no_way_back: tuple[LeftAlone, ...]
    digest: str
    held: tuple[HeldAsItIs, ...] = ()
    ha: tuple[HAMargin, ...] | None = None

    def __repr__(self) -> str:
        return line_of("Plan", f"of pool {self.made_from.called!r}: {self.summary}")

    def _repr_html_(self) -> str:
        tiers = {
            tier.objective: f"{tier.before:g} to {tier.after:g} {tier.unit}, none is below {tier.bound:g}"
            for tier in self.tiers
        }
        facts = {"left alone": str(len(self.left_alone)), "expires": f"{self.expires_at:%Y-%m-%d %H:%M %Z}"}
        return table_of(f"Plan of pool {self.made_from.called}", {"in short": self.summary, **tiers, **facts})

    @property
    def policy(self) -> Policy:
        """The policy that the plan was made under."""
        return self.made_from.policy

    @property
    def when(self) -> Slots:
        """Which hours the slots of its figures are; none where it was made without metrics."""
        metrics = self.made_from.metrics
        return metrics.when if metrics else Slots(count=0, timezone="UTC")

    @property
    def before(self) -> Placement:
        """Where every guest was when the plan was made, sorted by VM, and the disks that it moves."""
        hosts = dict(sorted((vm, row.uuid) for row in self.hosts for vm in row.before.vms))
        return Placement(hosts, self._drives({drive: row.uuid for row in self.srs for drive in row.loses}))

    @property
    def predicted(self) -> Placement:
        """Where every guest is once the plan is done, sorted by VM, and the disks that it moves."""
        hosts = dict(sorted((vm, row.uuid) for row in self.hosts for vm in row.after.vms))
        return Placement(hosts, self._drives({drive: row.uuid for row in self.srs for drive in row.gains}))

    def _drives(self, sr_of: Mapping[Uuid, Uuid]) -> dict[Uuid, dict[Uuid, Uuid]]:
        """The SRs of drives, by the VMs whose steps take their disks along."""
        owners = {disk.drive: step.vm for step in self.steps for disk in step.disks}
        found: dict[Uuid, dict[Uuid, Uuid]] = {}
        for drive in sorted(owners.keys() & sr_of.keys()):
            found.setdefault(owners[drive], {})[drive] = sr_of[drive]
        return found

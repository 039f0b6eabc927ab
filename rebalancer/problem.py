"""The problem: a pool, what its VMs need, and what the operator wants."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace

from rebalancer.demand import LoadProfile, at_speed, in_form
from rebalancer.essence import line_of, table_of
from rebalancer.held import Held
from rebalancer.inventory import VDI, Host, Names, Pool, PoolIndex, Uuid
from rebalancer.placement import Placement, current_placement, current_placement_with_disks, disks_of
from rebalancer.policy import Intent, Policy, Reserve
from rebalancer.policy.resolve import disk_srs_of, intent_of
from rebalancer.resources import ResourceLoads
from rebalancer.squeeze import squeezed_last
from rebalancer.units import counted


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Problem:
    """Everything that rules, solver and plan may read.

    `demand` is None where the metrics were refused or never read: then only repair and evacuation can be planned. It
    counts pCPUs of the speed that the policy names, if it names one.
    `before` is where the VMs were before the first step, where `initial` is a moment on the way of a plan or back.
    `on_hold` are hosts and VMs that a tag holds; runs look for it themselves, and wait until it is gone.
    `staying` are VMs that an evacuation leaves where they are, because they are to be shut down after it.
    """

    pool: Pool
    demand: LoadProfile | None
    policy: Policy
    intent: Intent
    initial: Placement
    before: Placement | None = None
    on_hold: frozenset[Uuid] = frozenset()
    staying: frozenset[Uuid] = frozenset()
    index: PoolIndex = field(init=False, repr=False)
    held: Held = field(init=False, repr=False)
    resources: ResourceLoads = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_speed = self.policy.capacity.reference_mhz is not None
        by_links = self.policy.objective.network.weight > 0
        object.__setattr__(self, "index", PoolIndex(self.pool))
        object.__setattr__(
            self, "held", Held(self.pool, self.demand, self.on_hold, by_speed=by_speed, by_links=by_links)
        )

        object.__setattr__(self, "resources", ResourceLoads(self.pool, self.demand, self.policy.objective))

    def __repr__(self) -> str:
        placed = f"{counted(len(self.initial), 'VM')} on {counted(len(self.pool.hosts), 'host')}"
        return line_of("Problem", f"of pool {self.pool.name!r}: {placed}, {self._measured}, mode {self.policy.mode}")

    def _repr_html_(self) -> str:
        return table_of(f"Problem of pool {self.pool.name}", self.facts)

    @property
    def facts(self) -> dict[str, str]:
        """What there is to say of it in a few words, each by its name."""
        return {**self.pool.facts, "metrics": self._measured, "policy": f"{self.policy.name}, mode {self.policy.mode}"}

    @property
    def _measured(self) -> str:
        return "no metrics" if self.demand is None else f"{self.demand.slots} hours of load"

    @property
    def names(self) -> Names:
        """What things of the pool are called."""
        return self.index.names

    @property
    def start(self) -> Placement:
        """The placement that has to get no worse."""
        return self.before or self.initial

    def cpu_capacity(self, host: Host) -> float:
        """pCPUs of *host* that plans count on; 0 where its load is not counted, see `Held.uncounted`."""
        return 0.0 if host.uuid in self.held.uncounted else self.cpu_capacity_in_service(host)

    def cpu_capacity_in_service(self, host: Host) -> float:
        """pCPUs of *host* that plans would count on if it were in service and its metrics known."""
        reserve = self.policy.capacity.pcpu_reserve + self.reserve(host.uuid).pcpus
        own = max(0.0, (host.pcpus or 0) * self.policy.capacity.cpu_factor - reserve)
        return own * self.pcpu_worth(host)

    def pcpu_worth(self, host: Host) -> float:
        """How many pCPUs of the policy's speed one of *host* is worth; 1 where the policy names no speed."""
        reference = self.policy.capacity.reference_mhz
        return 1.0 if reference is None or host.mhz is None else host.mhz / reference

    def reserve(self, host: Uuid) -> Reserve:
        """What the policy keeps free on *host* beyond what it keeps free everywhere."""
        return self.intent.reserves.get(host, Reserve())

    def with_disks(self) -> Problem:
        """The problem where VMs may take disks along; what the policy says of SRs holds as it stands."""
        wish = self.policy.storage_motion.model_copy(update={"enabled": True})
        policy = self.policy.model_copy(update={"storage_motion": wish})
        return replace(
            self,
            policy=policy,
            intent=replace(self.intent, disk_srs=disk_srs_of(policy, self.pool)),
            initial=replace(self.initial, srs_of=current_placement_with_disks(self.pool).srs_of),
        )


def make_problem(pool: Pool, demand: LoadProfile | None, policy: Policy, *, on_hold: Collection[Uuid] = ()) -> Problem:
    """The problem of *pool* under *policy*, with hosts and VMs that are *on_hold* held as they are.

    Of *demand* that holds hours, slots are made anew as the policy asks for them.

    Raises:
        PolicyError: the policy names a VM or host that the pool does not have, or contradicts itself.
    """
    initial = current_placement_with_disks if policy.storage_motion.enabled else current_placement
    wanted = intent_of(policy, pool)
    if demand is not None:
        demand = at_speed(in_form(demand, policy.demand), pool, policy.capacity.reference_mhz)
    last = {**squeezed_last(pool, demand, policy.squeeze), **wanted.last_resort}
    intent = replace(wanted, last_resort=last)
    return Problem(
        pool=pool,
        demand=demand,
        policy=policy.without_address(),
        intent=intent,
        initial=initial(pool),
        on_hold=frozenset(on_hold),
    )


def tagged_to_hold(pool: Pool, policy: Policy) -> frozenset[Uuid]:
    """Hosts and VMs that carry the tag by which people hold them."""
    tag = policy.execution.hold_tag
    return frozenset(each.uuid for of in (pool.hosts, pool.vms) for each in of.values() if tag in each.tags)


def pool_at(pool: Pool, placement: Placement) -> Pool:
    """*pool* once its guests, and the disks of which it speaks, are where *placement* says."""
    moved = {
        vm: replace(pool.vms[vm], resident_on=host)
        for vm, host in placement.host_of.items()
        if pool.vms[vm].resident_on != host
    }
    there = replace(pool, vms={**pool.vms, **moved}) if moved else pool
    for disk, sr in tuple(_elsewhere(pool, placement)):
        there = _with_disk(there, disk, sr)
    return there


def _elsewhere(pool: Pool, placement: Placement) -> Iterator[tuple[VDI, Uuid]]:
    for vm, srs in placement.srs_of.items():
        for drive, disk in disks_of(pool.vms[vm], pool):
            if srs.get(drive.uuid, disk.sr) != disk.sr:
                yield disk, srs[drive.uuid]


def _with_disk(pool: Pool, disk: VDI, sr: Uuid) -> Pool:
    """*pool* with a disk and its snapshots copied to *sr* in full, and what the disk filled free on its old SR."""
    moving = [each for each in pool.vdis.values() if disk.uuid in {each.uuid, each.snapshot_of}]
    copies = {each.uuid: replace(each, sr=sr, physical_utilisation_bytes=each.virtual_size_bytes) for each in moving}
    taken = sum(copy.virtual_size_bytes for copy in copies.values())
    used = {sr: taken, disk.sr: -disk.physical_utilisation_bytes}
    srs = {
        uuid: replace(pool.srs[uuid], physical_utilisation_bytes=pool.srs[uuid].physical_utilisation_bytes + more)
        for uuid, more in used.items()
        if uuid in pool.srs
    }
    return replace(pool, vdis={**pool.vdis, **copies}, srs={**pool.srs, **srs})


def problem_at(problem: Problem, placement: Placement) -> Problem:
    """*problem* as it stands once its guests are where *placement* says; disks of which it does not speak stay.

    It remembers where its guests were at the start.
    """
    pool = pool_at(problem.pool, placement)
    if problem.initial.srs_of:
        placement = replace(placement, srs_of=current_placement_with_disks(pool).srs_of)
    there = replace(problem, pool=pool, initial=placement, before=problem.start)
    object.__setattr__(there, "held", problem.held.at(pool))
    return there

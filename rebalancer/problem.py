"""The problem: a pool, what its VMs need, and what the operator wants."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rebalancer.demand import LoadProfile
from rebalancer.inventory import Host, Pool, Uuid
from rebalancer.placement import Placement, current_placement, current_placement_with_disks
from rebalancer.policy import Intent, Policy, Reserve
from rebalancer.policy.resolve import disk_srs_of, intent_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """Everything that rules, solver and plan may read.

    `demand` is None where the metrics were refused or never read: then only repair and evacuation can be planned.
    `before` is where the VMs were before the first step, where `initial` is a moment on the way of a plan or back.
    """

    pool: Pool
    demand: LoadProfile | None
    policy: Policy
    intent: Intent
    initial: Placement
    before: Placement | None = None

    @property
    def start(self) -> Placement:
        """The placement that has to get no worse."""
        return self.before or self.initial

    def cpu_capacity(self, host: Host) -> float:
        """pCPUs of *host* that plans count on; 0 where xapi does not say how many there are."""
        reserve = self.policy.capacity.pcpu_reserve + self.reserve(host.uuid).pcpus
        return max(0.0, (host.pcpus or 0) * self.policy.capacity.cpu_factor - reserve)

    def reserve(self, host: Uuid) -> Reserve:
        """What the policy keeps free on *host* beyond what it keeps free everywhere."""
        return self.intent.reserves.get(host, Reserve())

    def with_disks(self) -> Problem:
        """The same where VMs may take disks along; what the policy says of SRs holds as it stands."""
        wish = self.policy.storage_motion.model_copy(update={"enabled": True})
        policy = self.policy.model_copy(update={"storage_motion": wish})
        return replace(
            self,
            policy=policy,
            intent=replace(self.intent, disk_srs=disk_srs_of(policy, self.pool)),
            initial=replace(self.initial, srs_of=current_placement_with_disks(self.pool).srs_of),
        )


def make_problem(pool: Pool, demand: LoadProfile | None, policy: Policy) -> Problem:
    """The problem of *pool* under *policy*.

    Raises:
        PolicyError: the policy names a VM or host that the pool does not have, or contradicts itself.
    """
    initial = current_placement_with_disks if policy.storage_motion.enabled else current_placement
    return Problem(
        pool=pool,
        demand=demand,
        policy=policy.without_address(),
        intent=intent_of(policy, pool),
        initial=initial(pool),
    )

"""The rules that bind one problem: whoever asks what is legal, of moves or of placements, asks a rulebook."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from rebalancer.inventory import VM, Host, Uuid
from rebalancer.placement import Migration, Placement
from rebalancer.problem import Problem, problem_at
from rebalancer.rules.availability.restarts import Restarts
from rebalancer.rules.availability.spare import boots_on
from rebalancer.rules.binding import rules_for
from rebalancer.rules.catalogue import TO_ANOTHER_POOL, WITH_STORAGE
from rebalancer.rules.core.capacity import CapacityRow, capacity_rows
from rebalancer.rules.core.kinds import Bound, Objection, Row, Rule, StateLimit, Violation
from rebalancer.rules.core.ledger import Ledger, standing_violations, violations_since
from rebalancer.rules.core.legality import Legality
from rebalancer.rules.disks.sr_space import SpaceRow
from rebalancer.rules.fixes import Remedy
from rebalancer.rules.memory.enough_memory import EnoughMemory
from rebalancer.rules.routes import Route, Routes
from rebalancer.rules.stuck import Blocked, LetDisksGo, Stuck


class Rulebook:
    """The rules of a problem. What they say is worked out once, when it is first asked.

    Args:
        problem: the pool, its demand and the policy.
        rules: the rules that bind XenMotion, in XAPI's order; what binds a move that takes disks along follows.
        limits: the limits that *rules* set in *problem*, where they are known already.
    """

    def __init__(self, problem: Problem, rules: Iterable[Rule], *, limits: Sequence[Bound] | None = None) -> None:
        self.problem, self.rules = problem, tuple(rules)
        if limits is not None:
            self.limits = tuple(limits)

    @classmethod
    def of(cls, problem: Problem) -> Rulebook:
        """The rules that the policy of *problem* and the versions of its pools call for.

        Raises:
            PolicyError: the policy relaxes a rule that does not exist, or one that is not its to relax.
        """
        return cls(problem, rules_for(problem))

    # Single moves.

    def objections(self, move: Migration) -> tuple[Objection, ...]:
        """Everything that rules on VMs, hosts, pairs and disks say against *move*, in XAPI's order."""
        return self.routes.objections(move)

    def targets(self, vm: VM) -> Mapping[Uuid, Route]:
        """The hosts that *vm* may move to, in the order of the pool, each with its cheapest route."""
        return self.routes.targets(vm)

    def why_not(self, vm: VM, host: Host) -> tuple[Objection, ...]:
        """What keeps *vm* from *host*: from taking its disks along where it may and has to, else from XenMotion."""
        return self.routes.why_no_disks(vm, host) or self.live.objections(vm, host)

    def mendable(self, vm: VM, host: Host) -> tuple[tuple[Rule, Objection], ...]:
        """What keeps *vm* from *host* and can be mended in the VM itself, each with the rule that knows how."""
        live = {rule.id: rule for rule in self.rules}
        carried = live | {rule.id: rule for rule in (*TO_ANOTHER_POOL, *WITH_STORAGE)}
        asked = ((live, self.live.objections(vm, host)), (carried, self.routes.why_no_disks(vm, host)))
        found = ((rules[each.rule], each) for rules, objections in asked for each in objections)
        return tuple((rule, each) for rule, each in found if rule.mended(vm, host, self.problem))

    def stuck(self, hosts: Collection[Uuid]) -> tuple[Blocked, ...]:
        """The VMs that cannot leave *hosts*, whatever else moves, by host and name, with everything in their way."""
        return self._stuck.on(hosts)

    def fix(self, vm: VM) -> Remedy | None:
        """The least disruptive thing that would let *vm* leave its host; None where some host may take it."""
        return self._stuck.fix(vm)

    def may_leave(self, vm: VM) -> bool:
        """Whether *vm* has a route to a host that is not to be emptied, full or not."""
        return self._stuck.may_leave(vm)

    @property
    def live(self) -> Legality:
        """What rules say of XenMotion, in which no disk changes its SR."""
        return self.routes.live

    @cached_property
    def routes(self) -> Routes:
        """How VMs get to hosts, with disks or without."""
        return Routes(self.problem, self.rules, self._space)

    def boots_on(self, vms: Iterable[VM]) -> Mapping[Uuid, frozenset[Uuid]]:
        """The hosts on which each of *vms* may start."""
        return boots_on(self.problem, vms)

    # Placements.

    @cached_property
    def limits(self) -> tuple[Bound, ...]:
        """All limits, in the order of the rules that set them."""
        return tuple(bound for rule in self.rules for bound in rule.bounds(self.problem))

    @cached_property
    def lasting(self) -> tuple[Bound, ...]:
        """The limits that hold at every step."""
        return tuple(bound for bound in self.limits if bound.lasts)

    @property
    def memory_rows(self) -> tuple[Row, ...]:
        """The limits on memory by xapi's own count, one a host."""
        return tuple(
            bound.limit for bound in self.limits if isinstance(bound.limit, Row) and bound.rule.id == EnoughMemory.id
        )

    @property
    def restarts(self) -> tuple[Restarts, ...]:
        """The judgements of whether VMs restart after failures, where the policy keeps hosts to spare."""
        return tuple(bound.limit for bound in self.limits if isinstance(bound.limit, Restarts))

    def ledger(self, placement: Placement | None = None) -> Ledger:
        """A new ledger of the limits that hold at every step, from *placement* on, by default from where VMs are."""
        return Ledger(self.lasting, self.problem.pool, placement or self.problem.initial)

    def violations(
        self, placement: Placement, *, since: Placement | None = None, lasting: bool = False
    ) -> tuple[Violation, ...]:
        """What is broken in *placement*: everything; or, *since* another placement, what may not be broken from there.

        Those are hard limits that somebody joined, groups that spread further, and judgements that got worse; only
        those that hold at every step where *lasting*.
        """
        limits, pool = self.lasting if lasting else self.limits, self.problem.pool
        if since is None:
            return standing_violations(limits, pool, placement)
        return violations_since(limits, pool, since, placement)

    def breaches(self, placement: Placement) -> tuple[Violation, ...]:
        """What is broken in *placement* and can be counted, and so mended piece by piece: rows and groups."""
        counted = (bound for bound in self.limits if not isinstance(bound.limit, StateLimit))
        return standing_violations(counted, self.problem.pool, placement)

    def capacity(self, vms: Sequence[Uuid]) -> tuple[CapacityRow, ...]:
        """The limits of single hosts that hold at every step, in whole numbers, with what *vms* weigh."""
        return capacity_rows(self.lasting, tuple(self.problem.pool.hosts), vms)

    @property
    def _space(self) -> tuple[SpaceRow, ...]:
        """What SRs may hold, where disks may go along."""
        if not self.problem.intent.disk_srs:
            return ()
        return tuple(bound.limit for bound in self.limits if isinstance(bound.limit, SpaceRow))

    # Other rulebooks.

    def at(self, placement: Placement) -> Rulebook:
        """The rules once VMs and disks are where *placement* says."""
        there = Rulebook(problem_at(self.problem, placement), self.rules)
        there.routes = self.routes.at(there.problem, there._space)
        return there

    def relaxed(self, *ids: str) -> Rulebook:
        """The rules without some that the policy may relax."""
        policy = self.problem.policy
        wanted = policy.rules.model_copy(update={"relax": (*policy.rules.relax, *ids)})
        return self.without(*ids).under(replace(self.problem, policy=policy.model_copy(update={"rules": wanted})))

    def without(self, *ids: str) -> Rulebook:
        """The rules but for some."""
        limits = [bound for bound in self.limits if bound.rule.id not in ids]
        return Rulebook(self.problem, (rule for rule in self.rules if rule.id not in ids), limits=limits)

    def under(self, problem: Problem) -> Rulebook:
        """These rules in another problem."""
        return Rulebook(problem, self.rules)

    def way_back(self) -> Rulebook:
        """The rules that bind a way back: wishes about the end of a plan do not, it leads to what was there."""
        gone = {rule.id for rule in self.rules if not rule.binds_way_back}
        return self.without(*gone)

    @cached_property
    def with_disks(self) -> Rulebook:
        """These rules where VMs may take disks along."""
        return self.under(self.problem.with_disks())

    @cached_property
    def let_disks_go(self) -> LetDisksGo:
        """Whom only its disks hold where it is."""
        return LetDisksGo(None if self.problem.policy.storage_motion.enabled else self._routes_with_disks)

    def _routes_with_disks(self) -> Routes:
        return self.with_disks.routes

    @cached_property
    def _stuck(self) -> Stuck:
        return Stuck(self.problem, self.routes, self.limits, self.let_disks_go)

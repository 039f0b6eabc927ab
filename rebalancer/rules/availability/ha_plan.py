"""While HA is on, its failover plan outlives every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from rebalancer.inventory import VM, Pool, Uuid
from rebalancer.placement import Placement
from rebalancer.problem import Problem
from rebalancer.rules.availability.ha_packing import Packing, WorstCase, plan_exists
from rebalancer.rules.core.kinds import Origin, PoolRule, StateLimit, When
from rebalancer.rules.facts.agility import Everywhere
from rebalancer.rules.facts.memory_model import (
    counts_xen_vcpu_pages,
    guest_bytes,
    held_apart_from,
    start_bytes,
    static_bytes,
)

RESTART = "restart"
"""The restart priority of VMs that HA protects."""


class HAPlan(PoolRule):
    """Only a plan that exists now can break: without one, or with a protected VM that is not agile, nothing is refused.

    The VM on its way counts on both hosts, so that the swap of two VMs may be refused although its end is fine.
    """

    id = "ha-plan"
    sentence = "While HA is on and plans for failures of hosts, a move leaves a failover plan for as many failures."
    source = "message_forwarding.ml: check_vm_preserves_ha_plan; xapi_ha_vm_failover.ml; binpack.ml"
    origin = Origin.XAPI
    code = "HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN"
    when = When.EVERY_STEP

    def limits(self, problem: Problem) -> tuple[StateLimit, ...]:
        """One judgement for each pool where HA is on and may not be overcommitted."""
        return tuple(
            _Failover.of(pool, problem)
            for pool in problem.pool.parts
            if pool.ha.enabled and not pool.ha.allow_overcommit
        )


Where = Mapping[Uuid, Sequence[Uuid]]
"""The hosts that each VM holds, the one where it runs first."""


@dataclass(slots=True, kw_only=True, eq=False)
class _State:
    """What was found out about one state: XAPI's view of it, whether a plan exists, and what it said of moves."""

    where: Where
    packing: Packing
    worst: WorstCase | None
    has_plan: bool
    answers: dict[tuple[bool, Uuid | None, Uuid, int], bool] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class _Failover(StateLimit):
    """What XAPI's plan is made of.

    `protected` VMs are restarted, `promised` ones are from their move on; `elsewhere` is the live host that counts one
    of them where no placement names one. `own` are the hosts of the pool, `last` is the state that was looked at last.
    """

    failures: int
    hosts: int
    room: Mapping[Uuid, int]
    held: Mapping[Uuid, int]
    start: Mapping[Uuid, int]
    protected: frozenset[Uuid]
    elsewhere: Mapping[Uuid, Uuid | None]
    promised: frozenset[Uuid]
    stuck: frozenset[Uuid]
    own: frozenset[Uuid]
    last: _State | None = field(default=None)

    @classmethod
    def of(cls, pool: Pool, problem: Problem) -> _Failover:
        """The facts of one pool: free memory counts static maxima, protected VMs start with theirs."""
        vcpu_pages = counts_xen_vcpu_pages(pool)
        apart = held_apart_from(pool, problem.initial, static_bytes)
        alive = {uuid: host for uuid, host in pool.hosts.items() if host.enabled and host.live}
        everywhere = Everywhere.of(pool)
        keen = {uuid: vm for uuid, vm in pool.vms.items() if vm.ha_restart_priority == RESTART}
        return cls(
            failures=pool.ha.plan_exists_for,
            hosts=len(pool.hosts),
            room={uuid: guest_bytes(host) - apart[uuid] for uuid, host in alive.items()},
            held={uuid: static_bytes(problem.pool.vms[uuid]) for uuid in problem.initial},
            start={uuid: start_bytes(vm, xen_vcpu_pages=vcpu_pages) for uuid, vm in problem.pool.vms.items()},
            protected=frozenset(uuid for uuid, vm in keen.items() if vm.ha_always_run),
            elsewhere={uuid: _elsewhere(vm, alive, problem.initial) for uuid, vm in keen.items()},
            promised=frozenset(uuid for uuid, vm in keen.items() if not vm.ha_always_run),
            stuck=frozenset(uuid for uuid, vm in keen.items() if not everywhere.runs(vm)),
            own=frozenset(pool.hosts),
        )

    def refuses(self, vm: Uuid, host: Uuid, where: Where) -> str | None:
        """The plan that exists now would be gone: with one more protected VM, or with *vm* on *host* as well.

        A VM that leaves the pool asks for nothing.
        """
        if host not in self.own:
            return None
        state = self._state(where)
        if not state.has_plan or self._kept(vm, host, state):
            return None
        return f"HA could no longer restart all protected VMs after {self._failed()}"

    def broken(self, where: Where) -> str | None:
        if self._state(where).has_plan:
            return None
        return f"HA cannot restart all protected VMs after {self._failed()}"

    def _failed(self) -> str:
        return "the failure of one host" if self.failures == 1 else f"the failure of {self.failures} hosts"

    def _state(self, where: Where) -> _State:
        if self.last is None or self.last.where is not where:
            packing = self._packing(where)
            agile = not self.stuck & self.protected
            has_plan = agile and plan_exists(packing)
            self.last = _State(where=where, packing=packing, worst=WorstCase.of(packing), has_plan=has_plan)
        return self.last

    def _kept(self, vm: Uuid, host: Uuid, state: _State) -> bool:
        """Whether the plan outlives the move; protected VMs of one size on one host are alike, and unprotected ones."""
        if vm in self.promised:
            return vm not in self.stuck and plan_exists(self._with_protected(state.packing, vm, state.where))
        covered = vm in self.protected
        home = state.packing.placed.get(vm) if covered else None
        key = covered, home, host, self.start[vm]
        if key not in state.answers:
            if state.worst is not None and host in state.packing.free:
                state.answers[key] = state.worst.outlived_with(self.start[vm], host, home)
            else:
                state.answers[key] = plan_exists(self._with_arrival(state.packing, vm, host))
        return state.answers[key]

    def _with_arrival(self, packing: Packing, vm: Uuid, host: Uuid) -> Packing:
        """*packing* with *vm* on *host* as well; a host that is not live is charged nothing."""
        if host not in packing.free:
            return packing
        free = {**packing.free, host: packing.free[host] - self.start[vm]}
        placed = {**packing.placed, vm: host} if vm in self.protected else packing.placed
        return replace(packing, free=free, placed=placed)

    def _with_protected(self, packing: Packing, vm: Uuid, where: Where) -> Packing:
        home = self._home(vm, where)
        placed = {**packing.placed, vm: home} if home else packing.placed
        return replace(packing, sizes={**packing.sizes, vm: self.start[vm]}, placed=placed)

    def _packing(self, where: Where) -> Packing:
        """The state as XAPI plans on it, protected VMs in the order of their uuids."""
        covered = sorted(self.protected)
        return Packing(
            free=self._free(where),
            sizes={vm: self.start[vm] for vm in covered},
            placed={vm: home for vm in covered if (home := self._home(vm, where))},
            hosts=self.hosts,
            failures=self.failures,
        )

    def _free(self, where: Where) -> dict[Uuid, int]:
        """Bytes free on each live host, static maxima counted, in the order of uuids."""
        free = dict(self.room)
        for vm, hosts in where.items():
            for host in hosts:
                if host in free:
                    free[host] -= self.held[vm]
        return {host: max(0, room) for host, room in free.items()}

    def _home(self, vm: Uuid, where: Where) -> Uuid | None:
        """The live host that counts a VM: where it runs, else where it is going."""
        return next((host for host in where.get(vm, ()) if host in self.room), self.elsewhere[vm])


def _elsewhere(vm: VM, alive: Mapping[Uuid, object], placed: Placement) -> Uuid | None:
    """The live host of a VM, but for the one where *placed* has it: where it is, else where it is about to come."""
    hosts = (None if vm.uuid in placed.host_of else vm.resident_on, vm.scheduled_to_be_resident_on)
    return next((host for host in hosts if host in alive), None)

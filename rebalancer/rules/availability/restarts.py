"""Whether the VMs of failed hosts restart on the others: the judgement behind `spare`.

What was outlived at the start has to be outlived after every step; a failure that was not forbids nothing. For each
failure a plan by which its VMs restart is kept from state to state, and only looked for anew where a move touches it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rebalancer.inventory import Uuid
from rebalancer.rules.availability.restart_packing import Items, Packed, pack
from rebalancer.rules.core.kinds import StateLimit
from rebalancer.units import counted, size_in_words

Where = Mapping[Uuid, Sequence[Uuid]]
Failure = frozenset[Uuid]
"""Hosts that fail together."""
SHOWN = 3
"""Failures that are told in words; more are counted."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RestartPlan:
    """How the VMs of a failure restart: the host of each, and the bytes that they take on each host."""

    host_of: Mapping[Uuid, Uuid]
    load: Mapping[Uuid, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RestartState:
    """A state of the pool, with what was found out about it.

    Args:
        where: the hosts that each VM holds.
        free: bytes free on each host that VMs may restart on; may be negative.
        at: the VMs to be restarted where each host fails.
        moving: the VMs that are on their way.
        plans: how the VMs of each failure that matters restart; None where they do not fit.
        fullest: the most bytes that any plan takes on a host, as far as it was asked.
    """

    where: Where
    free: Mapping[Uuid, int]
    at: Mapping[Uuid, tuple[Uuid, ...]]
    moving: frozenset[Uuid]
    plans: dict[Failure, RestartPlan | None] = field(default_factory=dict)
    fullest: dict[Uuid, int] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class Restarts(StateLimit):
    """What restarts are made of.

    Args:
        failing: how many hosts fail together.
        failures: hosts that may fail together.
        start: the state whose failures have to stay outlived.
        room: bytes for guests on each host that VMs may restart on.
        held: bytes that each guest holds on every host that it holds.
        items: the VMs to be restarted, what each needs and where it may.
        bound: VMs that too few hosts can run to outlive such failures, with what is to be said of them.
        names: of hosts and VMs.
        first: the state at the start.
        last: the state that was looked at last.
        ahead: the state to which the move leads that was asked about last.
    """

    failing: int
    failures: tuple[Failure, ...]
    start: Where
    room: Mapping[Uuid, int]
    held: Mapping[Uuid, int]
    items: Items
    bound: Mapping[Uuid, str]
    names: Mapping[Uuid, str]
    first: RestartState | None = field(default=None)
    last: RestartState | None = field(default=None)
    ahead: RestartState | None = field(default=None)

    @property
    def price(self) -> int:
        """Two hosts can fail in many more ways than one."""
        return 25 * self.failing**2

    def refuses(self, vm: Uuid, host: Uuid, where: Where) -> str | None:
        """A failure that is outlived now would not be while *vm* moves to *host*, or once it is there.

        While it moves, failures of either host leave what they leave now: its copy is lost, or it goes on where it is.
        Once it is there, all others leave at least what they left while it moved.
        """
        now, source = self._state(where), tuple(where.get(vm, ()))
        if host in source:
            return None
        moving, settled = self._changed(now, vm, (*source, host)), self._changed(now, vm, (host,))
        asked = (
            *((failure, moving) for failure in _crowded(now, host, moving) if not failure & {host, *source[:1]}),
            *((failure, settled) for failure in now.plans if failure & {host, *source}),
        )
        for failure, after in asked:
            plan = now.plans[failure]
            after.plans[failure] = self._plan(after, failure, plan)
            if plan is not None and after.plans[failure] is None:
                return self._words(failure, after)
        self.ahead = settled
        return None

    def broken(self, where: Where) -> str | None:
        """Failures that are not outlived, and VMs that outlive none."""
        state = self._fresh(where)
        found = [*self.bound.values(), *(self._words(failure, state) for failure in self.unmet(where))]
        more = f"; and {len(found) - SHOWN} more like these" if len(found) > SHOWN else ""
        return "; ".join(found[:SHOWN]) + more if found else None

    def unmet(self, where: Where) -> tuple[Failure, ...]:
        """The failures that the state *where* does not outlive."""
        state = self._fresh(where)
        return tuple(failure for failure in self.failures if self._packed(state, failure, {}).host_of is None)

    def standing(self, where: Where) -> str:
        """How many failures the state *where* outlives, in words."""
        lost = len(self.unmet(where))
        ways = f"{counted(len(self.failures), 'way')} in which {self._few()} can fail"
        left_out = f"; {counted(len(self.bound), 'VM')} cannot be kept restartable" if self.bound else ""
        if lost:
            return f"after {lost} of the {ways} VMs would not all restart{left_out}"
        return f"after each of the {ways} all VMs restart{left_out}"

    def _few(self) -> str:
        return "one host" if self.failing == 1 else f"{self.failing} hosts"

    def worsens(self, before: Where, after: Where) -> str | None:
        """A failure that was outlived and is not any more."""
        lost = self.lost(before, after)
        return self._words(lost[0], self._state(after)) if lost else None

    def lost(self, before: Where, after: Where) -> tuple[Failure, ...]:
        """The failures that were outlived at the start and *before*, and are not any more."""
        outlived = [failure for failure, plan in self._state(before).plans.items() if plan is not None]
        plans = self._state(after).plans
        return tuple(failure for failure in outlived if plans[failure] is None)

    def restarts(self, failure: Failure, where: Where) -> Mapping[Uuid, Uuid] | None:
        """A host for each VM of the hosts of *failure*, where all of them fit."""
        return self._packed(self._fresh(where), failure, {}).host_of

    def _state(self, where: Where) -> RestartState:
        """What is known of a state: what was known of the last one, brought up to date."""
        last = self.last or self._first()
        if last.where is not where:
            first = self._first()
            last = first if first.where == where else self._later(last, where)
        self.last = last
        return last

    def _first(self) -> RestartState:
        """The state at the start, and how the VMs of each failure that is outlived there restart."""
        if self.first is None:
            start = self._fresh(self.start)
            plans = ((failure, self._plan(start, failure)) for failure in self.failures)
            start.plans.update((failure, plan) for failure, plan in plans if plan is not None)
            self.first = start
        return self.first

    def _later(self, last: RestartState, where: Where) -> RestartState:
        state = self._fresh(where)
        touched = {vm for vm, hosts in where.items() if last.where.get(vm) != hosts}
        hosts = {host for vm in touched for host in (*last.where.get(vm, ()), *where[vm])}
        crowded = {failure for host in hosts for failure in _crowded(last, host, state)}
        ahead = self.ahead
        known = ahead.plans if ahead and ahead.where == where else {}
        for failure, plan in last.plans.items():
            same = plan is not None and failure not in crowded and not failure & hosts
            found = known.get(failure) or (plan if same else None)
            state.plans[failure] = found or self._plan(state, failure, plan)
        return state

    def _plan(self, state: RestartState, failure: Failure, known: RestartPlan | None = None) -> RestartPlan | None:
        """How the VMs of *failure* restart in *state*, as in the *known* plan as far as they can."""
        host_of = self._packed(state, failure, known.host_of if known else {}).host_of
        if host_of is None:
            return None
        load: dict[Uuid, int] = {}
        for vm, host in host_of.items():
            load[host] = load.get(host, 0) + self.items.size[vm]
        return RestartPlan(host_of=host_of, load=load)

    def _fresh(self, where: Where) -> RestartState:
        free = dict(self.room)
        at: dict[Uuid, list[Uuid]] = {}
        for vm, hosts in where.items():
            for host in hosts:
                if host in free:
                    free[host] -= self.held[vm]
            if vm in self.items.size:
                at.setdefault(hosts[0], []).append(vm)
        moving = frozenset(vm for vm, hosts in where.items() if len(hosts) > 1)
        return RestartState(where=where, free=free, at={host: tuple(vms) for host, vms in at.items()}, moving=moving)

    def _changed(self, state: RestartState, vm: Uuid, hosts: tuple[Uuid, ...]) -> RestartState:
        """A state but for *vm*, which holds *hosts*: nobody asks for failures of the first while it holds more."""
        free, at = dict(state.free), dict(state.at)
        before = state.where.get(vm, ())
        for host, sign in (*((each, 1) for each in before), *((each, -1) for each in hosts)):
            if host in free:
                free[host] += sign * self.held[vm]
        if vm in self.items.size:
            for host in before[:1]:
                at[host] = tuple(each for each in at[host] if each != vm)
            at[hosts[0]] = (*at.get(hosts[0], ()), vm)
        return RestartState(where={**state.where, vm: hosts}, free=free, at=at, moving=state.moving - {vm})

    def _packed(self, state: RestartState, failure: Failure, known: Mapping[Uuid, Uuid]) -> Packed:
        return pack(self._gone(state, failure), self.items, self._free(state, failure), known=known)

    def _gone(self, state: RestartState, failure: Failure) -> list[Uuid]:
        return [vm for host in sorted(failure) for vm in state.at.get(host, ())]

    def _free(self, state: RestartState, failure: Failure) -> dict[Uuid, int]:
        """Bytes free on the hosts that are left; a VM that was on its way gives its place back."""
        free = {host: room for host, room in state.free.items() if host not in failure}
        for vm in state.moving:
            source, *others = state.where[vm]
            for host in others:
                if source in failure and host in free:
                    free[host] += self.held[vm]
        return {host: max(0, room) for host, room in free.items()}

    def _words(self, failure: Failure, state: RestartState) -> str:
        vms, free = self._gone(state, failure), self._free(state, failure)
        names = " and ".join(f"'{self.names[host]}'" for host in sorted(failure, key=self.names.__getitem__))
        hosts = f"{'host' if len(failure) == 1 else 'hosts'} {names} {'fails' if len(failure) == 1 else 'fail'}"
        for vm in sorted(vms, key=lambda each: (-self.items.size[each], each)):
            most, at = max(((free[host], host) for host in self.items.targets[vm] & free.keys()), default=(0, ""))
            if most < self.items.size[vm]:
                size = size_in_words(self.items.size[vm])
                best = f"most free is {size_in_words(most)} on '{self.names[at]}'" if at else "no host may run it"
                return f"if {hosts}, VM '{self.names[vm]}' ({size}) restarts nowhere: {best}"
        total = size_in_words(sum(self.items.size[vm] for vm in vms))
        room = f"{size_in_words(sum(free.values()))} on {counted(len(free), 'host')}"
        sums = f"{counted(len(vms), 'VM')} ({total}) would have to restart in {room}"
        certain = self._packed(state, failure, {}).proved
        end = "they do not all fit" if certain else "no way was found, though none is excluded: that counts as none"
        return f"if {hosts}, {sums}: {end}"


def _crowded(state: RestartState, host: Uuid, after: RestartState) -> list[Failure]:
    """The failures whose plans in *state* take more on *host* than is free there *after*."""
    free = max(0, after.free.get(host, 0))
    if state.fullest.get(host, free + 1) <= free:
        return []
    loads = {failure: plan.load.get(host, 0) for failure, plan in state.plans.items() if plan is not None}
    state.fullest[host] = max(loads.values(), default=0)
    return [failure for failure, load in loads.items() if load > free]

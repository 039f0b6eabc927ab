"""Whether the VMs of failed hosts restart on the others: the judgement behind `spare`.

A failure that is outlived now has to stay so; one that is not forbids nothing. So the failures that are not outlived
never become more, and none of them is new.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rebalancer.inventory import Uuid
from rebalancer.rules.base import Judged
from rebalancer.rules.restart_packing import Items, Packed, pack
from rebalancer.units import size_in_words

Where = Mapping[Uuid, Sequence[Uuid]]
Failure = frozenset[Uuid]
"""Hosts that fail together."""

SHOWN = 3
"""Failures that are told in words; more are counted."""


@dataclass(slots=True, kw_only=True, eq=False)
class State:
    """A state of the pool, with what was found out about it.

    Args:
        where: the hosts that each VM holds.
        free: bytes free on each host that VMs may restart on; may be negative.
        at: the VMs to be restarted where each host fails.
        loads: for each failure looked at, what its restarts take on each host; None where they do not fit.
    """

    where: Where
    free: dict[Uuid, int]
    at: dict[Uuid, tuple[Uuid, ...]]
    loads: dict[Failure, Mapping[Uuid, int] | None] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class Restarts(Judged):
    """What restarts are made of.

    Args:
        failures: hosts that may fail together.
        room: bytes for guests on each host that VMs may restart on.
        held: bytes that each guest holds on every host that it holds.
        items: the VMs to be restarted, what each needs and where it may.
        bound: VMs that too few hosts can run to outlive such failures, with what is to be said of them.
        names: of hosts and VMs.
        last: the state that was looked at last.
    """

    failures: tuple[Failure, ...]
    room: Mapping[Uuid, int]
    held: Mapping[Uuid, int]
    items: Items
    bound: Mapping[Uuid, str]
    names: Mapping[Uuid, str]
    last: State | None = field(default=None)

    def refuses(self, vm: Uuid, host: Uuid, where: Where) -> str | None:
        """A failure that is outlived now would not be while *vm* moves to *host*, or once it is there."""
        now, source = self._state(where), tuple(where.get(vm, ()))
        if host in source:
            return None
        moving, settled = self._changed(now, vm, (*source, host)), self._changed(now, vm, (host,))
        for failure in self.failures:
            if self._outlived(now, failure):
                both = (moving, settled) if failure & {host, *source} else self._crowded(now, moving, failure, host)
                for after in both:
                    if not self._outlived(after, failure):
                        return self._words(failure, after)
        return None

    def _crowded(self, now: State, moving: State, failure: Failure, host: Uuid) -> tuple[State, ...]:
        """The state to look at where a failure touches no host of a move: none if restarts on *host* still fit."""
        load = (now.loads[failure] or {}).get(host, 0)
        return () if load <= max(0, moving.free.get(host, 0)) else (moving,)

    def broken(self, where: Where) -> str | None:
        """Failures that are not outlived, and VMs that outlive none."""
        state = self._state(where)
        found = [*self.bound.values(), *(self._words(failure, state) for failure in self._unmet(state))]
        more = f"; and {len(found) - SHOWN} more like these" if len(found) > SHOWN else ""
        return "; ".join(found[:SHOWN]) + more if found else None

    def worsens(self, before: Where, after: Where) -> str | None:
        """A failure that was outlived and is not any more."""
        lost = self.lost(before, after)
        return self._words(lost[0], self._state(after)) if lost else None

    def lost(self, before: Where, after: Where) -> tuple[Failure, ...]:
        """The failures that were outlived and are not any more."""
        state, start = self._fresh(after), self._fresh(before)
        unmet = list(self._unmet(state))
        self.last = state
        return tuple(failure for failure in unmet if self._outlived(start, failure))

    def restarts(self, failure: Failure, where: Where) -> Mapping[Uuid, Uuid] | None:
        """A host for each VM of the hosts of *failure*, where all of them fit."""
        return self._packed(self._state(where), failure).host_of

    def _unmet(self, state: State) -> Iterator[Failure]:
        """The failures that a state does not outlive."""
        return (failure for failure in self.failures if not self._outlived(state, failure))

    def _state(self, where: Where) -> State:
        """What is known of a state."""
        state = self.last
        if state is None or state.where is not where:
            self.last = state = self._fresh(where)
        return state

    def _fresh(self, where: Where) -> State:
        """A state that was not looked at yet."""
        free = dict(self.room)
        at: dict[Uuid, list[Uuid]] = {}
        for vm, hosts in where.items():
            for host in hosts:
                if host in free:
                    free[host] -= self.held[vm]
            if vm in self.items.size:
                at.setdefault(hosts[0], []).append(vm)
        return State(where=where, free=free, at={host: tuple(vms) for host, vms in at.items()})

    def _changed(self, state: State, vm: Uuid, hosts: tuple[Uuid, ...]) -> State:
        """A state but for *vm*, which holds *hosts*."""
        free, at = dict(state.free), dict(state.at)
        before = state.where.get(vm, ())
        for host, sign in (*((each, 1) for each in before), *((each, -1) for each in hosts)):
            if host in free:
                free[host] += sign * self.held.get(vm, 0)
        if vm in self.items.size:
            for host in before[:1]:
                at[host] = tuple(each for each in at[host] if each != vm)
            at[hosts[0]] = (*at.get(hosts[0], ()), vm)
        return State(where={**state.where, vm: hosts}, free=free, at=at)

    def _outlived(self, state: State, failure: Failure) -> bool:
        """Whether all VMs of the hosts of *failure* restart."""
        if failure not in state.loads:
            host_of = self._packed(state, failure).host_of
            loads: dict[Uuid, int] = {}
            for vm, host in (host_of or {}).items():
                loads[host] = loads.get(host, 0) + self.items.size[vm]
            state.loads[failure] = None if host_of is None else loads
        return state.loads[failure] is not None

    def _packed(self, state: State, failure: Failure) -> Packed:
        """What the packer finds."""
        return pack(self._gone(state, failure), self.items, self._free(state, failure))

    def _gone(self, state: State, failure: Failure) -> list[Uuid]:
        """The VMs to be restarted after *failure*."""
        return [vm for host in sorted(failure) for vm in state.at.get(host, ())]

    def _free(self, state: State, failure: Failure) -> dict[Uuid, int]:
        """Bytes free on the hosts that are left; a VM that was on its way gives its place back."""
        free = {host: room for host, room in state.free.items() if host not in failure}
        for vm in self._gone(state, failure):
            for host in state.where[vm][1:]:
                if host in free:
                    free[host] += self.held[vm]
        return {host: max(0, room) for host, room in free.items()}

    def _words(self, failure: Failure, state: State) -> str:
        """What does not restart after *failure*."""
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
        sums = f"{len(vms)} VMs ({total}) would have to restart in {size_in_words(sum(free.values()))} on {len(free)}"
        certain = self._packed(state, failure).proved
        end = "they do not all fit" if certain else "no way was found, though none is excluded: that counts as none"
        return f"if {hosts}, {sums} hosts: {end}"

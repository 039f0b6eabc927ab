"""What high availability has to spare on the way: memory that is left over after the failures that it plans for.

As HA counts: static maxima, a VM on its way on both hosts (`xapi_ha_vm_failover.ml`). The memory of the hosts that are
left is taken as one, which no packing of VMs can beat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rebalancer.inventory import Host, Pool, Uuid
from rebalancer.plan.ha import HAMargin
from rebalancer.plan.step import Step
from rebalancer.problem import Problem
from rebalancer.rules.facts.memory_model import (
    counts_xen_vcpu_pages,
    guest_bytes,
    held_apart_from,
    start_bytes,
    static_bytes,
)

RESTART = "restart"
"""The restart priority of VMs that HA protects."""


def ha_margins(steps: Sequence[Step], problem: Problem) -> tuple[HAMargin, ...]:
    """That of each pool of *problem* where HA is on and plans for failures, while *steps* run one after another."""
    pools = [pool for pool in problem.pool.parts if pool.ha.enabled and pool.ha.plan_exists_for > 0]
    return tuple(_margin(steps, pool, problem) for pool in pools)


def _margin(steps: Sequence[Step], pool: Pool, problem: Problem) -> HAMargin:
    state = _MarginState(pool, problem)
    before = least = state.left()
    least_step = ""
    for step in steps:
        for left in state.course(step):
            if left < least:
                least, least_step = left, step.id
    return HAMargin(
        pool=pool.uuid,
        failures=pool.ha.plan_exists_for,
        before_bytes=before,
        least_bytes=least,
        least_step=least_step,
        after_bytes=state.left(),
    )


class _MarginState:
    """What is free on each live host of a pool, and what the protected VMs on it, or on no host, need to start."""

    def __init__(self, pool: Pool, problem: Problem) -> None:
        self._pool, self._vms, self._failures = pool, problem.pool.vms, pool.ha.plan_exists_for
        self._xen_vcpu_pages = counts_xen_vcpu_pages(pool)
        self._home: dict[Uuid, Uuid | None] = {}
        live = {uuid: host for uuid, host in pool.hosts.items() if host.enabled and host.live}
        self._free = _free(live, pool, problem)
        for uuid, vm in pool.vms.items():
            if vm.ha_restart_priority == RESTART and vm.ha_always_run:
                ends = (problem.initial.host_of.get(uuid, vm.resident_on), vm.scheduled_to_be_resident_on)
                self._home[uuid] = next((end for end in ends if end in live), None)

    def course(self, step: Step) -> tuple[int, int]:
        """What is left while *step* runs, and after it."""
        vm, size = self._vms[step.vm], static_bytes(self._vms[step.vm])
        if step.vm in self._pool.vms and vm.ha_restart_priority == RESTART:
            self._home.setdefault(step.vm, step.source)
        self._add(step.target, -size)
        during = self.left()
        self._add(step.source, size)
        if step.vm in self._home:
            self._home[step.vm] = step.target
            if step.target not in self._pool.hosts:
                del self._home[step.vm]
        return during, self.left()

    def _add(self, host: Uuid, size: int) -> None:
        if host in self._free:
            self._free[host] += size

    def left(self) -> int:
        """Bytes that are left over after the worst failures."""
        room = {host: max(0, free) for host, free in self._free.items()}
        lost, homeless = dict.fromkeys(room, 0), 0
        for vm, home in self._home.items():
            need = start_bytes(self._vms[vm], xen_vcpu_pages=self._xen_vcpu_pages)
            if home in lost:
                lost[home] += need
            else:
                homeless += need
        worst = sorted((room[host] + lost[host] for host in room), reverse=True)[: self._failures]
        return sum(room.values()) - homeless - sum(worst)


def _free(live: Mapping[Uuid, Host], pool: Pool, problem: Problem) -> dict[Uuid, int]:
    """What is free on each of the *live* hosts, below 0 where they hold more than they have."""
    apart = held_apart_from(pool, problem.initial, static_bytes)
    found = {uuid: guest_bytes(host) - apart[uuid] for uuid, host in live.items()}
    for vm, host in problem.initial.host_of.items():
        if host in found:
            found[host] -= static_bytes(problem.pool.vms[vm])
    return found

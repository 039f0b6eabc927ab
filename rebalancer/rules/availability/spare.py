"""Any so many hosts may fail, and their VMs restart on the others."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any

from rebalancer.inventory import VM, Uuid
from rebalancer.policy import Covered
from rebalancer.problem import Problem
from rebalancer.rules.availability.ha_plan import RESTART
from rebalancer.rules.availability.restart_packing import Items
from rebalancer.rules.availability.restarts import Restarts
from rebalancer.rules.core.kinds import Origin, PairRule, PoolRule, When
from rebalancer.rules.cpu.enough_pcpus import EnoughPCPUs
from rebalancer.rules.cpu.hardware_platform import HardwarePlatform
from rebalancer.rules.cpu.hvm_capable import HVMCapable
from rebalancer.rules.disks.shared_sr_visible import SharedSRVisible
from rebalancer.rules.facts.memory_model import (
    counts_xen_vcpu_pages,
    guest_bytes,
    held_apart_from,
    start_bytes,
    static_bytes,
)
from rebalancer.rules.network.network_on_target import NetworkOnTarget
from rebalancer.rules.network.no_bond_slave import NoBondSlave
from rebalancer.rules.wishes.must_run_on import MustRunOn
from rebalancer.units import counted

BOOT: tuple[PairRule[Any], ...] = (
    HardwarePlatform(),
    SharedSRVisible(),
    NetworkOnTarget(),
    NoBondSlave(),
    HVMCapable(),
    EnoughPCPUs(),
    MustRunOn(),
)
"""What the start of a VM asks of a host. CPU features are not among it: a VM that boots anew takes its host's."""


class Spare(PoolRule):
    """VMs count their static maxima, as in HA's plan: no restart waits for memory that others would first give back.

    A VM on its way counts on both hosts; when its own fails, its copy on the other is gone, too. A failure may use the
    reserves.
    """

    id = "spare"
    sentence = (
        "Whichever hosts fail, as many as the policy says, their VMs restart on the others as far as they do now."
    )
    source = "the policy's spare; memory as in xapi_ha_vm_failover.ml, hosts as in assert_can_boot_here"
    origin = Origin.POLICY
    when = When.EVERY_STEP

    def limits(self, problem: Problem) -> tuple[Restarts, ...]:
        """One judgement where the policy keeps hosts to spare."""
        return (_restarts(problem),) if problem.policy.spare.hosts and _covered(problem) else ()


def _restarts(problem: Problem) -> Restarts:
    pool, covered, failing = problem.pool, _covered(problem), problem.policy.spare.hosts
    live = sorted(uuid for uuid, host in pool.hosts.items() if host.live)
    targets = boots_on(problem, covered.values())
    bound = {
        vm: _bound(covered[vm], problem.names.vms[vm], len(targets[vm]))
        for vm in covered
        if len(targets[vm]) <= failing
    }
    apart = held_apart_from(pool, problem.initial, static_bytes)
    pages = counts_xen_vcpu_pages(pool)
    kept = [vm for vm in covered if vm not in bound]
    return Restarts(
        failing=failing,
        failures=tuple(map(frozenset, combinations(live, failing))),
        start={vm: (host,) for vm, host in problem.start.host_of.items()},
        room={host: guest_bytes(pool.hosts[host]) - apart[host] for host in _open(problem)},
        held={vm: static_bytes(pool.vms[vm]) for vm in problem.initial},
        items=Items.of(
            {vm: start_bytes(covered[vm], xen_vcpu_pages=pages) for vm in kept}, {vm: targets[vm] for vm in kept}
        ),
        bound=bound,
        names={**problem.names.hosts, **problem.names.vms},
    )


def _covered(problem: Problem) -> dict[Uuid, VM]:
    guests = {vm: problem.pool.vms[vm] for vm in problem.initial}
    if problem.policy.spare.vms is Covered.ALL:
        return guests
    return {uuid: vm for uuid, vm in guests.items() if vm.ha_restart_priority == RESTART}


def _open(problem: Problem) -> tuple[Uuid, ...]:
    """Hosts on which VMs may start, but for those that are to be emptied or whose room is not known."""
    hosts, closed = problem.pool.hosts.items(), problem.intent.empty.keys() | problem.held.roomless
    return tuple(sorted(uuid for uuid, host in hosts if host.live and host.enabled and uuid not in closed))


def boots_on(problem: Problem, vms: Iterable[VM]) -> dict[Uuid, frozenset[Uuid]]:
    """Hosts that each VM may start on; VMs that need the same get the same."""
    known: dict[tuple[Any, ...], frozenset[Uuid]] = {}
    found = {}
    for vm in vms:
        needs = tuple(rule.needs(vm, problem) for rule in BOOT)
        if needs not in known:
            known[needs] = frozenset(host for host in _open(problem) if _may_start(needs, host, problem))
        found[vm.uuid] = frozenset() if _is_tied(vm) else known[needs]
    return found


def _may_start(needs: tuple[Any, ...], host: Uuid, problem: Problem) -> bool:
    asked = zip(BOOT, needs, strict=True)
    return not any(need is not None and rule.objects(need, problem.pool.hosts[host], problem) for rule, need in asked)


def _bound(vm: VM, called: str, hosts: int) -> str:
    why = "it has devices of its host" if _is_tied(vm) else f"{_few(hosts)} can start it"
    return f"VM '{called}' cannot be kept restartable: {why}"


def _few(hosts: int) -> str:
    return f"no more than {counted(hosts, 'host')}" if hosts else "no host"


def _is_tied(vm: VM) -> bool:
    return bool(vm.vgpus or vm.vusbs or vm.attached_pcis)

"""What VMs with disks on local SRs copy at least when they leave their hosts, and whether their disks come home."""

from __future__ import annotations

from rebalancer.inventory import Host, Uuid
from rebalancer.placement import Placement, disks_of
from rebalancer.problem import Problem
from rebalancer.rules.facts.sizes import DiskSizes


def least_copied(vm: Uuid, problem: Problem) -> int:
    """Bytes that *vm* copies at least to leave its host: its memory, and the disks that no other host sees with it.

    They are those of the host that sees most of them; whether a rule lets the VM go there is not asked.
    """
    home = problem.initial[vm]
    others = [host for uuid, host in problem.pool.hosts.items() if uuid != home]
    disks = min((_unseen_bytes(vm, host, problem) for host in others), default=0)
    return problem.pool.vms[vm].migration_memory_bytes + disks


def _unseen_bytes(vm: Uuid, host: Host, problem: Problem) -> int:
    sizes, pool = DiskSizes(problem), problem.pool
    return sum(sizes.copied(disk) for _, disk in disks_of(pool.vms[vm], pool) if disk.sr not in host.attached_srs)


def disks_astray(vm: Uuid, start: Placement, end: Placement) -> tuple[tuple[Uuid, Uuid], ...]:
    """For each disk of *vm* that is on another SR at *end* than at *start*: that of the start, and that of the end."""
    then, now = start.srs_of.get(vm, {}), end.srs_of.get(vm, {})
    return tuple((then[drive], now[drive]) for drive in sorted(then.keys() & now.keys()) if then[drive] != now[drive])

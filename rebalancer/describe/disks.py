"""What steps take along: disks and what SRs gain and lose by them, interfaces and their networks in another pool."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.inventory import Uuid
from rebalancer.placement import Migration, Placement
from rebalancer.plan.plan import SRRow
from rebalancer.plan.step import Crossing, EjectedCD, Step, StepDisk, StepNetwork
from rebalancer.problem import Problem
from rebalancer.rules.facts.counterparts import interfaces, network_map
from rebalancer.rules.facts.disk_maps import unseen_cds
from rebalancer.rules.facts.sizes import DiskSizes


def step_disks(move: Migration, problem: Problem) -> tuple[StepDisk, ...]:
    """The disks of *move* as a plan names them; *problem* is any moment at which they are in their drives."""
    srs, sizes = problem.names.srs, DiskSizes(problem)
    return tuple(
        StepDisk(
            drive=disk.drive,
            disk=vdi.uuid,
            name=vdi.name,
            source=disk.source,
            source_name=srs.get(disk.source, ""),
            target=disk.target,
            target_name=srs[disk.target],
            size_bytes=sizes.copied(vdi),
        )
        for disk in move.disks
        for vdi in [sizes.behind(move.vm, disk.drive)]
    )


def sr_rows(problem: Problem, after: Placement) -> tuple[SRRow, ...]:
    """Every SR that gains or loses disks on the way to *after*, sorted by name."""
    gains: dict[Uuid, list[tuple[Uuid, int]]] = {}
    loses: dict[Uuid, list[tuple[Uuid, int]]] = {}
    sizes = DiskSizes(problem)
    for move in problem.initial.moves_to(after):
        for disk in move.disks:
            size = sizes.copied(sizes.behind(move.vm, disk.drive))
            gains.setdefault(disk.target, []).append((disk.drive, size))
            loses.setdefault(disk.source, []).append((disk.drive, size))
    rows = [
        _row(problem, sr, gains.get(sr, []), loses.get(sr, [])) for sr in {*gains, *loses} & problem.pool.srs.keys()
    ]
    return tuple(sorted(rows, key=lambda row: (problem.pool.srs[row.uuid].name, row.uuid)))


def _row(problem: Problem, sr: Uuid, gains: Sequence[tuple[Uuid, int]], loses: Sequence[tuple[Uuid, int]]) -> SRRow:
    return SRRow(
        uuid=sr,
        name=problem.names.srs[sr],
        size_bytes=problem.pool.srs[sr].physical_size_bytes,
        gains=tuple(sorted(drive for drive, _ in gains)),
        gained_bytes=sum(size for _, size in gains),
        loses=tuple(sorted(drive for drive, _ in loses)),
        lost_bytes=sum(size for _, size in loses),
    )


def ejections(steps: Sequence[Step], problem: Problem) -> tuple[str, ...]:
    """A sentence for each CD that XAPI will eject: its VM takes disks along, to a host that does not see the CD."""
    return tuple(
        f"XAPI ejects the CD '{each.name}' from drive {each.device} of VM {step.vm_name} in step {step.id}, "
        f"and does not insert it again"
        for step in steps
        for each in ejected(step, problem) or ()
    )


def ejected(step: Step, problem: Problem) -> tuple[EjectedCD, ...] | None:
    """The CDs that XAPI will eject; None of a step without disks, where it ejects none."""
    pool = problem.pool
    if not step.disks:
        return None
    found = unseen_cds(pool.vms[step.vm], pool.hosts[step.target], pool)
    return tuple(EjectedCD(device=device, name=name) for device, name in found)


def crossing_of(move: Migration, problem: Problem) -> Crossing | None:
    """The crossing that *move* is in *problem*, where its VM has not moved yet; None inside a pool."""
    pool, vm = problem.pool, problem.pool.vms[move.vm]
    home, there = pool.of_vm(vm), pool.of_host(move.target)
    if home is there:
        return None
    led = dict(network_map(vm, pool.hosts[move.target], problem))
    networks = tuple(
        StepNetwork(
            vif=vif.uuid,
            device=vif.device,
            source=vif.network,
            source_name=_name(vif.network, problem),
            target=led[vif.uuid],
            target_name=_name(led[vif.uuid], problem),
        )
        for vif in interfaces(vm, problem)
        if vif.uuid in led
    )
    return Crossing(pool=there.uuid, pool_name=there.name, networks=networks)


def _name(network: Uuid, problem: Problem) -> str:
    return problem.names.networks.get(network, "")

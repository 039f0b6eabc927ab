"""What is sent for a step that takes disks along, and whether the disks are where they should be afterwards.

In another pool disks and drives have new uuids: there only the SRs can be compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rebalancer.errors import StalePlan
from rebalancer.inventory import Host, Pool, Uuid
from rebalancer.placement import disks_of
from rebalancer.plan import Step, StepDisk
from rebalancer.rules.facts.disk_maps import whole_map
from rebalancer.xapi import StorageMotion


def motion_of(step: Step, pool: Pool) -> StorageMotion:
    """The call for *step*, with the disks that are in the VM's drives in *pool* now.

    Raises:
        StalePlan: the target has no management interface to receive it on.
    """
    vm, host = pool.vms[step.vm], pool.hosts[step.target]
    return StorageMotion(
        vm=vm.uuid,
        source=step.source,
        host=host.uuid,
        network=step.network or _management_network(host),
        sr_of=whole_map(vm, host, step.move.disks, pool),
        network_of={each.vif: each.target for each in step.crossing.networks} if step.crossing else {},
    )


def _management_network(host: Host) -> Uuid:
    """The network of the management interface, over which disks and memory are received."""
    found = sorted(pif.network for pif in host.pifs if pif.management)
    if not found:
        raise StalePlan([f"host {host.name} has no management interface to receive disks on"])
    return found[0]


def has_arrived(step: Step, pool: Pool) -> bool:
    """Whether the VM of *step* is on its target, and its disks are on their new SRs."""
    vm = pool.vms.get(step.vm)
    return vm is not None and vm.resident_on == step.target and not tuple(left_behind(step, pool))


def has_not_left(way: Sequence[Step], pool: Pool) -> bool:
    """Whether the VM whose steps are *way* is where the first of them begins, with all disks that they carry."""
    vm = pool.vms.get(way[0].vm)
    if vm is None or vm.resident_on != way[0].source:
        return False
    srs = {drive.uuid: disk.sr for drive, disk in disks_of(vm, pool)}
    return all(srs.get(disk.drive) == disk.source for disk in _first_carried(way))


def _first_carried(way: Sequence[Step]) -> tuple[StepDisk, ...]:
    """Each disk of *way* as the first step that carries it knows it."""
    return tuple({disk.drive: disk for step in reversed(way) for disk in step.disks}.values())


def left_behind(step: Step, pool: Pool) -> Iterator[str]:
    """Disks of *step* that are not on their new SRs, in words."""
    if step.crossing:
        yield from _not_along(step, pool)
        return
    srs = {drive.uuid: disk.sr for drive, disk in disks_of(pool.vms[step.vm], pool)} if step.vm in pool.vms else {}
    for disk in step.disks:
        sr = srs.get(disk.drive)
        if sr != disk.target:
            name = pool.srs[sr].name if sr is not None and sr in pool.srs else "no SR"
            yield f"disk {disk.name} is on {name}, not on {disk.target_name}"


def _not_along(step: Step, pool: Pool) -> Iterator[str]:
    """SRs of another pool that hold fewer disks of the VM of *step* than were to come, in words."""
    there = Counter(disk.sr for _, disk in disks_of(pool.vms[step.vm], pool)) if step.vm in pool.vms else Counter()
    names = {disk.target: disk.target_name for disk in step.disks}
    for sr, count in Counter(disk.target for disk in step.disks).items():
        if there[sr] < count:
            yield f"of {count} disks for {names[sr]} only {there[sr]} are there"

"""The way home of a VM that a plan brought to another pool, where its drives, disks and interfaces have new uuids.

It is told from what stayed the same: the uuid of the VM, the names of its disks, and the SRs and networks of the plan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby

from rebalancer.inventory import Pool, Uuid
from rebalancer.placement import DiskMove, Migration, disks_of
from rebalancer.plan.progress import has_crossed, is_as_brought
from rebalancer.plan.step import Step, StepNetwork

DiskKey = tuple[str, Uuid]
"""What tells a disk in another pool: its name, and the SR where the plan brought it."""


def way_home(step: Step, home: Uuid, pool: Pool) -> Migration:
    """The move that brings the VM of *step* to host *home*, each disk to the SR that it came from.

    Nothing speaks against it by `why_not_home`.
    """
    homes = _homes(step)
    disks = (
        DiskMove(drive=drive, source=key[1], target=homes[key][0])
        for key, drives in _drives(step, pool).items()
        for drive in drives
    )
    return Migration(vm=step.vm, source=step.target, target=home, disks=tuple(sorted(disks)))


def why_not_home(step: Step, crossing: Collection[Step], pool: Pool) -> str:
    """Why nobody can tell how the VM of *step* comes home, in words; *crossing* are all steps that lead over."""
    if not has_crossed(step, pool):
        return "what leads it home is known once it is there"
    if not is_as_brought(step, pool):
        return "its disks are not as the plan brought them"
    if any(len(set(srs)) > 1 for srs in _homes(step).values()):
        return "disks of one name came from several SRs, and nobody can tell which from which"
    gone = [disk.source_name for disk in step.disks if disk.source not in pool.srs]
    if gone:
        return f"SR '{gone[0]}', from which a disk came, is gone"
    return next(_networks_in_the_way(step, crossing, pool), "")


def networks_home(crossing: Iterable[Step]) -> Mapping[Uuid, Uuid]:
    """The networks to which *crossing* led, sorted, each with the only one that it stands for."""
    return {target: min(found) for target, found in sorted(_sources(crossing).items()) if len(found) == 1}


def _networks_in_the_way(step: Step, crossing: Iterable[Step], pool: Pool) -> Iterator[str]:
    sources = _sources(crossing)
    for network in _networks([step]):
        if len(sources[network.target]) > 1:
            yield f"several networks led to '{network.target_name}', so that no map leads back"
        for uuid, name in ((network.target, network.target_name), (network.source, network.source_name)):
            if uuid not in pool.networks:
                yield f"network '{name}' is gone"


def _sources(crossing: Iterable[Step]) -> Mapping[Uuid, set[Uuid]]:
    found: dict[Uuid, set[Uuid]] = {}
    for network in _networks(crossing):
        found.setdefault(network.target, set()).add(network.source)
    return found


def _networks(steps: Iterable[Step]) -> Iterator[StepNetwork]:
    return (network for step in steps if step.crossing for network in step.crossing.networks)


def _drives(step: Step, pool: Pool) -> dict[DiskKey, list[Uuid]]:
    return _in_groups((disk.name, disk.sr, drive.uuid) for drive, disk in disks_of(pool.vms[step.vm], pool))


def _homes(step: Step) -> dict[DiskKey, list[Uuid]]:
    return _in_groups((disk.name, disk.target, disk.source) for disk in step.disks)


def _in_groups(disks: Iterable[tuple[str, Uuid, Uuid]]) -> dict[DiskKey, list[Uuid]]:
    rows = sorted(disks)
    return {key: [row[2] for row in alike] for key, alike in groupby(rows, key=lambda row: (row[0], row[1]))}

"""Disks that go along and the SRs that they change, as rows for people: SRs of one name are told apart by hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rebalancer.inventory import Uuid
from rebalancer.plan import SRRow, Step
from rebalancer.units import size_in_words

DISK_COLUMNS = ("step", "VM", "disk", "from SR", "to SR", "size")


def disk_rows(steps: Sequence[Step]) -> list[tuple[str, ...]]:
    """One row a disk that goes along, with the cells of `DISK_COLUMNS`."""
    names = sr_names(steps)
    return [
        (step.id, step.vm_name, disk.name, names[disk.source], names[disk.target], size_in_words(disk.size_bytes))
        for step in steps
        for disk in step.disks
    ]


def sr_rows(srs: Sequence[SRRow], steps: Sequence[Step]) -> list[tuple[object, ...]]:
    """One row an SR: its name, the disks that come and those that leave, with their sizes."""
    names = sr_names(steps)
    return [
        (
            names.get(row.uuid, row.name),
            len(row.gains),
            size_in_words(row.gained_bytes),
            len(row.loses),
            size_in_words(row.lost_bytes),
        )
        for row in srs
    ]


def sr_names(steps: Sequence[Step]) -> Mapping[Uuid, str]:
    """What the SRs of *steps* are called; `Local storage (host-1)` where another of them has the same name."""
    seen: dict[Uuid, tuple[str, str]] = {}
    for step in steps:
        for disk in step.disks:
            seen.setdefault(disk.source, (disk.source_name, step.source_name))
            seen.setdefault(disk.target, (disk.target_name, step.target_name))
    named = [name for name, _ in seen.values()]
    return {sr: f"{name} ({host})" if named.count(name) > 1 else name for sr, (name, host) in seen.items()}

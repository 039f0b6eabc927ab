"""What things are called in a pool. Names are labels: uuids decide, and who renames a VM changes no plan."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from rebalancer.inventory.host import Host
from rebalancer.inventory.joined import JoinedPool, names_of
from rebalancer.inventory.names import Names
from rebalancer.inventory.pool import Network, Pool, VMGroup
from rebalancer.inventory.references import Uuid
from rebalancer.inventory.storage import SR, VDI
from rebalancer.inventory.vm import VM

Named = Host | VM | SR | Network | VMGroup | VDI
TABLES: Final[Mapping[str, str]] = {
    "hosts": "host",
    "vms": "VM",
    "srs": "SR",
    "networks": "network",
    "vm_groups": "VM group",
    "vdis": "disk",
}
"""The tables of a pool whose rows have names, and what a row is."""


def names_in(pool: Pool, about: Collection[Uuid] = ()) -> dict[Uuid, str]:
    """What pools, hosts, guests, SRs, networks and VM groups are called, and the disks and snapshots of VMs in *about*.

    Sorted by uuid.
    """
    names = {member.uuid: member.name for member in pool.members}
    for table in ("hosts", "srs", "networks", "vm_groups"):
        names |= {uuid: row.name for uuid, row in getattr(pool, table).items()}
    names |= {vm.uuid: vm.name for vm in pool.guests()}
    for vm in (pool.vms[uuid] for uuid in about if uuid in pool.vms):
        snapshots = pool.snapshots_of(vm)
        disks = [drive.vdi or "" for each in (vm, *snapshots) for drive in each.vbds]
        names |= {each.uuid: each.name for each in snapshots}
        names |= {disk: pool.vdis[disk].name for disk in disks if disk in pool.vdis}
    return dict(sorted(names.items()))


def called(pool: Pool, names: Mapping[Uuid, str]) -> Pool:
    """*pool* with what *names* knows called as there; *pool* itself where nothing has another name."""
    changes: dict[str, Any] = {}
    for table in TABLES:
        rows = getattr(pool, table)
        other = {uuid: replace(row, name=names[uuid]) for uuid, row in rows.items() if _differs(row, names)}
        if other:
            changes[table] = {**rows, **other}
    if isinstance(pool, JoinedPool):
        members = tuple(called(member, names) for member in pool.joined)
        if members != pool.joined:
            changes |= {"joined": members, "name": names_of({member.uuid: member.name for member in members})}
    elif names.get(pool.uuid, pool.name) != pool.name:
        changes["name"] = names[pool.uuid]
    return replace(pool, **changes) if changes else pool


def renamings(pool: Pool, names: Mapping[Uuid, str]) -> Iterator[tuple[Uuid, str]]:
    """The uuid of everything in *pool* that is called otherwise than *names* says, each with that in words."""
    for member in pool.members:
        if names.get(member.uuid, member.name) != member.name:
            yield member.uuid, _told("pool", names[member.uuid], member.name)
    then, now = Names(called(pool, names)), Names(pool)
    for table, kind in TABLES.items():
        rows: Mapping[Uuid, Named] = getattr(pool, table)
        was, told = (getattr(each, table, {}) for each in (then, now))
        changed = [row for row in rows.values() if _differs(row, names)]
        for row in sorted(changed, key=lambda row: (names[row.uuid], row.uuid)):
            yield row.uuid, _told(kind, was.get(row.uuid, names[row.uuid]), told.get(row.uuid, row.name))


def _differs(row: Named, names: Mapping[Uuid, str]) -> bool:
    return names.get(row.uuid, row.name) != row.name


def _told(kind: str, was: str, now: str) -> str:
    return f"{kind} {was or 'without a name'} is now called {now}" if now else f"{kind} {was} has no name any more"

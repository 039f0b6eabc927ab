"""Several pools as one, so that a VM may go from one to another.

Tables are united, because the uuids of two pools do not meet. What counts for a pool as a whole is asked of the pool
of a host, an SR or a VM.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from rebalancer.errors import InputError
from rebalancer.inventory.host import Host
from rebalancer.inventory.pool import Pool
from rebalancer.inventory.references import Uuid
from rebalancer.inventory.storage import VDI
from rebalancer.inventory.vm import VM

TABLES: Final = ("hosts", "vms", "vdis", "srs", "networks", "vm_groups", "vgpu_types")
"""The tables that are united; the drivers of each SR type are those of its pool."""
_CALLED: Final[Mapping[str, str]] = {"hosts": "host", "vms": "VM", "vdis": "disk", "srs": "SR", "networks": "network"}


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedPool(Pool):
    """Pools whose tables are united; `joined` are these pools as they were read, the first one first.

    Hosts of two pools that have one name carry that of their pool as well, so that a name means one host. All other
    fields are those of the first pool, and are to be read through `of_host`, `of_vm` and `of_sr`.
    """

    joined: tuple[Pool, ...]

    @property
    def members(self) -> tuple[Pool, ...]:
        """The pools as they were read."""
        return self.joined

    @property
    def parts(self) -> tuple[Pool, ...]:
        """The pools as they stand here: VMs belong to the pool of their host, disks to that of their SR."""
        return tuple(self._part(member) for member in self.joined)

    def of_host(self, host: Uuid | None) -> Pool:
        """The pool that has *host*; the first one for what is on no host."""
        return next((member for member in self.joined if host in member.hosts), self.joined[0])

    def of_vm(self, vm: VM) -> Pool:
        """The pool on whose host *vm* is; where it is on none, the one that it was read from."""
        if vm.resident_on in self.hosts:
            return self.of_host(vm.resident_on)
        return next((member for member in self.joined if vm.uuid in member.vms), self.joined[0])

    def of_sr(self, sr: Uuid) -> Pool:
        """The pool that has *sr*."""
        return next((member for member in self.joined if sr in member.srs), self.joined[0])

    def _part(self, member: Pool) -> Pool:
        hosts = {uuid: self.hosts[uuid] for uuid in member.hosts if uuid in self.hosts}
        return replace(
            member,
            hosts={uuid: replace(host, name=member.hosts[uuid].name) for uuid, host in hosts.items()},
            srs={uuid: self.srs[uuid] for uuid in member.srs if uuid in self.srs},
            vms={uuid: vm for uuid, vm in self.vms.items() if self.of_vm(vm) is member},
            vdis={uuid: vdi for uuid, vdi in self.vdis.items() if self._of_vdi(vdi) is member},
        )

    def _of_vdi(self, vdi: VDI) -> Pool:
        """The pool of a disk: that of its SR; where that leads nowhere, the one that the disk was read from."""
        if vdi.sr in self.srs:
            return self.of_sr(vdi.sr)
        return next((member for member in self.joined if vdi.uuid in member.vdis), self.joined[0])


def join_pools(first: Pool, *others: Pool) -> Pool:
    """*first* and *others* as one pool; *first* alone as it is.

    Raises:
        InputError: one of them stands there twice, or they share something that only one pool can have. Templates that
            XAPI makes itself have the same uuids everywhere, and count once.
    """
    pools = (first, *others)
    if not others:
        return first
    _refuse_twins(pools)
    united: dict[str, Any] = {field.name: getattr(first, field.name) for field in fields(Pool)}
    for table in TABLES:
        rows = {uuid: row for pool in reversed(pools) for uuid, row in getattr(pool, table).items()}
        united[table] = dict(sorted(rows.items()))
    united["hosts"] = {uuid: replace(host, name=_named(host, pools)) for uuid, host in united["hosts"].items()}
    united["name"] = names_of({pool.uuid: pool.name for pool in pools})
    united["dangling"] = tuple(f"{each} (pool {pool.called})" for pool in pools for each in pool.dangling)
    return JoinedPool(**united, joined=pools)


def _named(host: Host, pools: Sequence[Pool]) -> str:
    """What *host* is called among the hosts of *pools*: with its pool where another pool has one of that name, too."""
    alike = [pool for pool in pools if any(each.name == host.name for each in pool.hosts.values())]
    if len(alike) < 2:  # noqa: PLR2004 - its own pool, and another one
        return host.name
    home = next(pool for pool in alike if host.uuid in pool.hosts)
    apart = sum(pool.called == home.called for pool in alike) == 1
    return f"{host.name} ({home.called if apart else home.uuid})".lstrip()


def names_of(names: Mapping[Uuid, str]) -> str:
    """What several pools are called together: by their names, and by their uuids where these do not tell them apart."""
    apart = len(set(names.values()) - {""}) == len(names)
    return " + ".join(name if apart else f"{name} ({uuid})".lstrip() for uuid, name in names.items())


def _refuse_twins(pools: Sequence[Pool]) -> None:
    uuids = [pool.uuid for pool in pools]
    if len(set(uuids)) < len(uuids):
        raise InputError(f"pool {pools[-1].called}", "it is named twice", "Name another pool beside the first one")
    for number, pool in enumerate(pools):
        for other in pools[number + 1 :]:
            for problem in _shared(pool, other):
                where = f"pools {pool.called} and {other.called}"
                raise InputError(where, problem, "Clean that up in one of them before VMs go from one to the other")


def _shared(pool: Pool, other: Pool) -> Iterator[str]:
    for table, called in _CALLED.items():
        for uuid in sorted(getattr(pool, table).keys() & getattr(other, table).keys()):
            row = getattr(pool, table)[uuid]
            if not (isinstance(row, VM) and row.is_default_template):
                yield f"{called} '{row.name}' ({uuid}) is in both"

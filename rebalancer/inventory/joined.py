"""Several pools as one, so that a VM may go from one to another.

Tables are united. What has one uuid in two pools, such as a VM that was restored in both, or an SR to which both are
connected, stands there under a name of its own for all pools but the first, and rules judge it. What counts for a pool
as a whole is asked of the pool of a host, an SR or a VM.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Final

from rebalancer.errors import InputError
from rebalancer.inventory.host import Host
from rebalancer.inventory.pool import Pool
from rebalancer.inventory.references import Uuid, uuid_apart, xapi_uuid
from rebalancer.inventory.storage import VDI
from rebalancer.inventory.vm import VM

TABLES: Final = ("hosts", "vms", "vdis", "srs", "networks", "vm_groups", "vgpu_types")
"""The tables that are united; the drivers of each SR type are those of its pool."""
TWIN_TABLES: Final = ("vms", "vdis", "srs", "networks", "vm_groups")
"""Those in which two pools may have an object of one uuid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedPool(Pool):
    """Pools whose tables are united; `joined` are these pools as they were read, the first one first.

    Hosts of two pools that have one name carry that of their pool as well, so that a name means one host. All other
    fields are those of the first pool, and are to be read through `of_host`, `of_vm` and `of_sr`. `twins` are the uuids
    that several of them have.
    """

    joined: tuple[Pool, ...]
    twins: frozenset[Uuid] = frozenset()

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

    def is_known_twice(self, uuid: Uuid) -> bool:
        """Whether several of these pools have an object of this uuid."""
        return xapi_uuid(uuid) in self.twins

    def twin_in(self, there: Pool, vm: Uuid) -> VM | None:
        """What pool *there* has under the uuid of *vm*, whatever it is called here."""
        uuid = xapi_uuid(vm)
        return there.vms.get(uuid_apart(uuid, there.uuid)) or there.vms.get(uuid)

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

    Example:
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> other = rb.inventory.pool_from_records(rb.simulator.annex_pool().records)
        >>> rb.inventory.join_pools(state.pool, other).name
        'simulated + annex'

    Raises:
        InputError: one of them stands there twice, or two of them have the same host. Templates that XAPI makes itself
            have the same uuids everywhere, and count once.
    """
    if not others:
        return first
    _refuse_twins((first, *others))
    pools = _told_apart((first, *others))
    united: dict[str, Any] = {field.name: getattr(first, field.name) for field in fields(Pool)}
    for table in TABLES:
        rows = {uuid: row for pool in reversed(pools) for uuid, row in getattr(pool, table).items()}
        united[table] = dict(sorted(rows.items()))
    united["hosts"] = {uuid: replace(host, name=_named(host, pools)) for uuid, host in united["hosts"].items()}
    united["name"] = names_of({pool.uuid: pool.name for pool in pools})
    united["dangling"] = tuple(f"{each} (pool {pool.called})" for pool in pools for each in pool.dangling)
    apart = (uuid for table in TWIN_TABLES for uuid in united[table] if uuid != xapi_uuid(uuid))
    return JoinedPool(**united, joined=pools, twins=frozenset(map(xapi_uuid, apart)))


def _told_apart(pools: Sequence[Pool]) -> tuple[Pool, ...]:
    """The pools, each with names of its own for what an earlier one has under the same uuid."""
    found = [pools[0]]
    for number, pool in enumerate(pools[1:], start=1):
        twins = {uuid for earlier in pools[:number] for uuid in _twins(earlier, pool)}
        names = {uuid: uuid_apart(uuid, pool.uuid) for uuid in twins}
        found.append(_renamed(pool, names) if names else pool)
    return tuple(found)


def _twins(pool: Pool, other: Pool) -> Iterator[Uuid]:
    """What both have, but for the templates that XAPI makes itself."""
    for table in TWIN_TABLES:
        rows, others = getattr(pool, table), getattr(other, table)
        yield from (uuid for uuid in rows.keys() & others.keys() if not _is_xapis_own(others[uuid]))


def _is_xapis_own(row: object) -> bool:
    return isinstance(row, VM) and row.is_default_template


def _renamed(value: Any, names: Mapping[Uuid, Uuid]) -> Any:  # noqa: ANN401 - a value of the inventory
    """*value* with other uuids wherever it holds one of *names*; what things are called stays."""
    if isinstance(value, str):
        return names.get(value, value)
    if is_dataclass(value) and not isinstance(value, type):
        parts = (each.name for each in fields(value) if each.name != "name")
        return replace(value, **{part: _renamed(getattr(value, part), names) for part in parts})
    if isinstance(value, Mapping):
        return {_renamed(key, names): _renamed(each, names) for key, each in value.items()}
    return tuple(_renamed(each, names) for each in value) if isinstance(value, tuple) else value


def _named(host: Host, pools: Sequence[Pool]) -> str:
    """What *host* is called among the hosts of *pools*: with its pool where another pool has one of that name, too."""
    alike = [pool for pool in pools if any(each.name == host.name for each in pool.hosts.values())]
    if len(alike) < 2:  # noqa: PLR2004 - its own pool, and another one
        return host.name
    home = next(pool for pool in alike if host.uuid in pool.hosts)
    apart = sum(pool.called == home.called for pool in alike) == 1
    return f"{host.name} ({home.called if apart else home.uuid})".lstrip()


def names_of(names: Mapping[Uuid, str]) -> str:
    """What several pools are called together: by their names, and by their uuids where these do not tell them apart.

    Example:
        >>> import rebalancer as rb
        >>> differ, alike = {"a1": "production", "b2": "test"}, {"a1": "pool", "b2": "pool"}
        >>> rb.inventory.names_of(differ), rb.inventory.names_of(alike)
        ('production + test', 'pool (a1) + pool (b2)')
    """
    apart = len(set(names.values()) - {""}) == len(names)
    return " + ".join(name if apart else f"{name} ({uuid})".lstrip() for uuid, name in names.items())


def _refuse_twins(pools: Sequence[Pool]) -> None:
    uuids = [pool.uuid for pool in pools]
    if len(set(uuids)) < len(uuids):
        raise InputError(f"pool {pools[-1].called}", "it is named twice", "Name another pool beside the first one")
    for number, pool in enumerate(pools):
        for other in pools[number + 1 :]:
            for uuid in sorted(pool.hosts.keys() & other.hosts.keys()):
                where, name = f"pools {pool.called} and {other.called}", pool.hosts[uuid].name
                problem = f"host '{name}' ({uuid}) is in both, and a host is in one pool only"
                raise InputError(where, problem, "Read both pools again; one of them is out of date")

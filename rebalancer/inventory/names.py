"""What people call things of a pool: by name, and by the start of the uuid as well where others look alike.

XenAPI's names are labels: several VMs, hosts, SRs or networks may have one, and it may be empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import takewhile
from unicodedata import normalize

from rebalancer.inventory.pool import Pool
from rebalancer.inventory.references import Uuid
from rebalancer.sanitise import one_line

SHORT = 8
"""Characters of a uuid that commands take for the whole."""
MOST = 80
"""Characters of a name that is said whole."""
LONG = 40
"""Characters of a name that tables may cut in its middle."""
HEAD, TAIL = 16, 10
"""What is left of it there, where there is some room."""


class Names:
    """What the things of one pool are called, by uuid; each table is worked out when first asked.

    Two things of a kind never share what they are called. An SR of one host alone carries the host as well.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @cached_property
    def vms(self) -> Mapping[Uuid, str]:
        """All VMs; templates, snapshots and control domains by their names as they are, commands take none of them."""
        guests = told_apart({vm.uuid: vm.name for vm in self._pool.guests()})
        return {uuid: vm.name for uuid, vm in self._pool.vms.items()} | guests

    @cached_property
    def hosts(self) -> Mapping[Uuid, str]:
        """All hosts."""
        return told_apart({uuid: host.name for uuid, host in self._pool.hosts.items()})

    @cached_property
    def srs(self) -> Mapping[Uuid, str]:
        """All SRs."""
        seen_by: dict[Uuid, set[Uuid]] = {}
        for host in self._pool.hosts.values():
            for pbd in host.pbds:
                seen_by.setdefault(pbd.sr, set()).add(host.uuid)
        owner = {sr: self.hosts[next(iter(hosts))] for sr, hosts in seen_by.items() if len(hosts) == 1}
        return told_apart({uuid: sr.name for uuid, sr in self._pool.srs.items()}, owner)

    @cached_property
    def networks(self) -> Mapping[Uuid, str]:
        """All networks, each among those of its pool: whoever names one of another pool names the pool, too."""
        members = (member.networks.items() for member in self._pool.members)
        return {uuid: name for each in members for uuid, name in told_apart({k: n.name for k, n in each}).items()}


def told_apart(names: Mapping[Uuid, str], owners: Mapping[Uuid, str] | None = None) -> dict[Uuid, str]:
    """*names*, those that look alike or say nothing with the start of the uuid, after its owner where it has one.

    So have names of more than `MOST` characters, of which only the ends are said.

    Example:
        >>> import rebalancer as rb
        >>> rb.inventory.told_apart({"a1b2c3d4-1": "web", "e5f6a7b8-2": "web", "c9": "db"})
        {'a1b2c3d4-1': 'web (a1b2c3d4)', 'e5f6a7b8-2': 'web (e5f6a7b8)', 'c9': 'db'}
    """
    marks = {
        uuid: start if not owners or uuid not in owners else f"{owners[uuid]}, {start}"
        for uuid, start in _starts(names)
    }
    said = {uuid: name if len(name) <= MOST else _ends(name, MOST // 2) for uuid, name in names.items()}
    called, marked = dict(said), set[Uuid]()
    unclear = {uuid for uuid, name in names.items() if said[uuid] != name}.union(_unclear(called))
    while unclear := unclear - marked:
        called |= {uuid: f"{said[uuid]} ({marks[uuid]})".strip() for uuid in unclear}
        marked |= unclear
        unclear = set(_unclear(called))
    return called


def _unclear(called: Mapping[Uuid, str]) -> Iterator[Uuid]:
    alike: dict[str, list[Uuid]] = {}
    for uuid, name in called.items():
        alike.setdefault(_seen(name), []).append(uuid)
    for look, uuids in alike.items():
        if not look or len(uuids) > 1:
            yield from uuids


def _seen(name: str) -> str:
    """What people see of *name*: letters however they are composed, blanks however many, of a long one its ends."""
    look = " ".join(one_line(normalize("NFC", name)).split())
    return look if len(look) <= LONG else _ends(look, HEAD)


def _ends(name: str, head: int) -> str:
    return f"{name[:head]}…{name[-TAIL:]}"


def _starts(uuids: Mapping[Uuid, str]) -> Iterator[tuple[Uuid, str]]:
    """Each uuid with its shortest start that no other one has, of `SHORT` characters at least."""
    ordered = sorted(uuids)
    neighbours = zip(["", *ordered], ordered, [*ordered[1:], ""], strict=False)
    for before, uuid, after in neighbours:
        alike = max(
            sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(uuid, other, strict=False)))
            for other in (before, after)
        )
        yield uuid, uuid[: max(SHORT, alike + 1)]

"""Several pools as one: what is united, what is asked of each, and what keeps pools from being joined."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rebalancer.errors import InputError
from rebalancer.inventory import DANGLING, VDI, VM, Pool, join_pools, xapi_uuid
from rebalancer.inventory.digest import inventory_digest, inventory_digests
from rebalancer.inventory.dump import records_from_dump
from rebalancer.inventory.records import pool_from_records
from tests.pools import make_disk, make_host, make_network, make_pool, make_sr, make_vdi, make_vm

NAMES = ("xen1", "other", "xen1")
TABLES = ("hosts", "vms", "vdis", "srs", "networks")


def lone_pool(name: str, host: str, *vms: VM, vdis: Iterable[VDI] = ()) -> Pool:
    """A pool of one host whose SR and network are its own."""
    pool = make_pool(hosts=[make_host(host, srs=(f"{name}-sr",), networks=(f"{name}-lan",))], vms=vms, vdis=vdis)
    sr, lan = f"{name}-sr", f"{name}-lan"
    own: dict[str, Any] = {"srs": {sr: make_sr(sr)}, "networks": {lan: make_network(lan)}}
    return replace(pool, uuid=name, name=name, **own)


def test_one_pool_alone_stays_what_it_is() -> None:
    """Nothing is joined, and it is its own member, part, and the pool of all that it has."""
    pool = lone_pool("east", "e1")
    assert join_pools(pool) is pool
    assert pool.members == pool.parts == (pool,)
    assert pool.of_host("e1") is pool.of_sr("nowhere") is pool.of_vm(pool.vms["dom0-e1"]) is pool


def test_tables_are_united_and_sorted() -> None:
    """Every host, VM, disk, SR and network of both pools is there once, in the order of uuids."""
    east, west = lone_pool("east", "e1", make_vm("a", on="e1")), lone_pool("west", "w1", make_vm("b", on="w1"))
    both = join_pools(west, east)
    for table in TABLES:
        rows = getattr(both, table)
        assert rows == getattr(east, table) | getattr(west, table), table
        assert list(rows) == sorted(rows), table
    assert (both.uuid, both.name) == ("west", "west + east")
    assert both.members == (west, east)


def test_what_counts_for_a_pool_is_asked_of_the_pool_of_a_host_an_sr_or_a_vm() -> None:
    """A VM belongs to the pool where it is by now, one that is nowhere to the pool that it was read from."""
    east = lone_pool("east", "e1", make_vm("a", on="e1"))
    west = lone_pool("west", "w1", make_vm("b", on="w1"), make_vm("off", on=None, resident_on=None))
    both = join_pools(east, west)
    assert (both.of_host("e1"), both.of_host("w1")) == (east, west)
    assert (both.of_sr("east-sr"), both.of_sr("west-sr")) == (east, west)
    assert both.of_vm(both.vms["off"]) == west
    assert both.of_vm(replace(both.vms["a"], resident_on="w1")) == west
    assert both.of_host(DANGLING) == east


def test_parts_are_the_pools_as_they_stand() -> None:
    """A VM that went over is in the part of its new pool, and its disk in that of its new SR."""
    east, west = lone_pool("east", "e1", make_vm("a", on="e1")), lone_pool("west", "w1")
    both = join_pools(east, west)
    gone = replace(both, vms={**both.vms, "a": replace(both.vms["a"], resident_on="w1")})
    first, second = gone.parts
    assert (first.uuid, second.uuid) == ("east", "west")
    assert ("a" in first.vms, "a" in second.vms) == (False, True)
    assert ("a" in gone.members[0].vms, "a" in gone.members[1].vms) == (True, False)


def test_a_host_in_both_keeps_them_apart() -> None:
    """No host is in two pools: one of them is out of date, and refused by name."""
    east, west = lone_pool("east", "e1"), lone_pool("west", "w1")
    both = replace(east, hosts={**east.hosts, "w1": west.hosts["w1"]})
    with pytest.raises(InputError, match=r"pools east and west: host 'w1' \(w1\) is in both"):
        join_pools(both, west)


def pools_that_share() -> tuple[Pool, Pool]:
    """Two pools with a VM restored in both, and one SR and one network of the same uuid."""
    pools = []
    for name, host in (("east", "e1"), ("west", "w1")):
        vm = make_vm("twin", on=host, vbds=(make_disk("twin", vdi="disk"),), networks=("lan",))
        hosts = [make_host(host, srs=("both",), networks=("lan",))]
        pool = make_pool(hosts=hosts, vms=[vm], srs=[make_sr("both")], vdis=[make_vdi("disk", "both")])
        pools.append(replace(pool, uuid=name, name=name, default_sr="both", srs={"both": make_sr("both")}))
    return pools[0], pools[1]


def test_what_both_have_is_told_apart() -> None:
    """It keeps its uuid in the first pool, carries the pool in the second, and everything there names it so."""
    both = join_pools(*pools_that_share())
    assert both.vms["twin"].resident_on == "e1"
    other = both.vms["twin@west"]
    assert (other.uuid, other.resident_on, other.vbds[0].vdi) == ("twin@west", "w1", "disk@west")
    assert both.vdis["disk@west"].sr == both.members[1].default_sr == "both@west"
    assert both.hosts["w1"].attached_srs == {"both@west"}
    assert both.hosts["w1"].pifs[0].network == other.vifs[0].network == "lan@west"
    assert both.hosts["e1"].attached_srs == {"both"}
    assert both.of_sr("both@west") is both.of_vm(other) is both.members[1]


def test_twins_are_known_from_either_side() -> None:
    """By the uuid of the first pool and by the name of the second; what one pool has alone is no twin."""
    east, west = pools_that_share()
    both = join_pools(east, replace(west, vms={**west.vms, "alone": make_vm("alone", on="w1")}))
    home, there = both.members
    assert [both.is_known_twice(vm) for vm in ("twin", "twin@west", "alone")] == [True, True, False]
    assert both.twin_in(there, "twin") is both.vms["twin@west"]
    assert both.twin_in(home, "twin@west") is both.vms["twin"]
    assert both.twin_in(home, "alone") is None
    assert xapi_uuid("twin@west") == "twin"
    assert not east.is_known_twice("twin")
    assert east.twin_in(east, "twin") is east.vms["twin"]


def test_templates_of_xapi_are_in_every_pool() -> None:
    """They carry the same uuids everywhere and count once; a template of somebody is told apart."""
    template = make_vm("debian", on=None, resident_on=None, vbds=(), is_a_template=True, is_default_template=True)
    both = join_pools(lone_pool("east", "e1", template), lone_pool("west", "w1", template))
    assert not both.is_known_twice("debian")
    own = replace(template, is_default_template=False)
    both = join_pools(lone_pool("east", "e1", own), lone_pool("west", "w1", own))
    assert {"debian", "debian@west"} < both.vms.keys()


def test_a_pool_is_not_joined_with_itself() -> None:
    """Two snapshots of one pool are no two pools."""
    with pytest.raises(InputError, match="named twice"):
        join_pools(lone_pool("east", "e1"), lone_pool("east", "e2"))


def test_real_pools_join(shared_data: Callable[..., Path]) -> None:
    """Databases of real pools share no uuid of anything that moves, and no template stands twice."""
    files = sorted(shared_data("xapi-db").glob("*.xml.gz"))
    first, *others = [pool_from_records(records_from_dump(file)) for file in files]
    for other in others:
        both = join_pools(first, other)
        assert len(both.hosts) == len(first.hosts) + len(other.hosts)
        assert [part.vms.keys() for part in both.parts] == [first.vms.keys(), other.vms.keys() - first.vms.keys()]
        assert inventory_digests(both) == {pool.uuid: inventory_digest(pool) for pool in (first, other)}


@pytest.mark.parametrize(
    ("names", "called"),
    [
        (("east", "west"), {"e1": "xen1 (east)", "e2": "other", "w1": "xen1 (west)"}),
        (("", "west"), {"e1": "xen1 (east)", "e2": "other", "w1": "xen1 (west)"}),
        (("one", "one"), {"e1": "xen1 (east)", "e2": "other", "w1": "xen1 (west)"}),
        (("one", "two"), {"e1": "xen1 (one)", "e2": "other", "w1": "xen1 (two)"}),
    ],
)
def test_hosts_of_one_name_are_called_with_their_pool(names: tuple[str, str], called: dict[str, str]) -> None:
    """By its name, else by its uuid; others keep theirs, and so does each host in the pool as it was read."""
    named = zip(called, NAMES, strict=True)
    hosts = {uuid: replace(make_host(uuid, srs=(), networks=()), name=name) for uuid, name in named}
    east = replace(lone_pool("east", "e1"), name=names[0], hosts={each: hosts[each] for each in ("e1", "e2")})
    west = replace(lone_pool("west", "w1"), name=names[1], hosts={"w1": hosts["w1"]})
    both = join_pools(east, west)
    assert {uuid: host.name for uuid, host in both.hosts.items()} == called
    assert [{host.name for host in part.hosts.values()} for part in both.parts] == [{"xen1", "other"}, {"xen1"}]
    assert inventory_digests(both) == {pool.uuid: inventory_digest(pool) for pool in (east, west)}


def test_disks_without_sr_stay_in_their_pool() -> None:
    """What leads nowhere is not lost, and stays in the pool that it was read from."""
    east = lone_pool("east", "e1", vdis=[make_vdi("lost", DANGLING)])
    west = lone_pool("west", "w1", vdis=[make_vdi("gone", DANGLING)])
    assert [sorted(part.vdis) for part in join_pools(east, west).parts] == [["lost"], ["gone"]]


@pytest.mark.parametrize(
    ("names", "called"),
    [
        (("a", "b"), "a + b"),
        (("a", "a"), "a (east) + a (west)"),
        (("", "b"), "(east) + b (west)"),
        (("", ""), "(east) + (west)"),
    ],
)
def test_pools_are_told_apart(names: tuple[str, str], called: str) -> None:
    """By their names, and by their uuids where one has none, or both have the same."""
    east, west = replace(lone_pool("east", "e1"), name=names[0]), replace(lone_pool("west", "w1"), name=names[1])
    assert join_pools(east, west).name == called
    assert (east.called, west.called) == (names[0] or "east", names[1] or "west")

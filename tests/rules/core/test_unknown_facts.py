"""What the database does not say never crashes a rule, and never counts as permission."""

from __future__ import annotations

import copy
import gzip
import json
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rebalancer.errors import InventoryError
from rebalancer.inventory import Pool, pool_from_records
from rebalancer.inventory.dump import records_from_dump
from rebalancer.rules import Rulebook
from tests.pools import make_host, make_vm, problem_of
from tests.rules.recordings import DUMPS


def matrix(pool: Pool) -> set[tuple[str, str]]:
    """The moves that the default policy allows, every checker asked on the way."""
    book = Rulebook.of(problem_of(pool))
    ledger = book.ledger()
    book.violations(book.problem.initial)
    return {
        (vm.uuid, host.uuid)
        for vm in pool.resident_guests()
        for host in pool.hosts.values()
        if vm.resident_on != host.uuid
        if not book.live.objections(vm, host) and not ledger.objections(vm.uuid, host.uuid)
    }


@pytest.mark.parametrize("dump", DUMPS)
def test_real_databases_are_judged_without_an_unknown(shared_data: Callable[[str], Path], dump: str) -> None:
    """Databases of XenServer 5.6 to 6.1 give an answer for every VM and host, each in words."""
    pool = pool_from_records(records_from_dump(shared_data(f"xapi-db/{dump}")))
    problem = problem_of(pool)
    legality = Rulebook.of(problem).live
    for vm in pool.resident_guests():
        for host in pool.hosts.values():
            assert all(each.words and "unknown" not in each.words for each in legality.objections(vm, host))


@cache
def random_pool(path: Path) -> dict[str, Any]:
    """The records of a recorded pool."""
    records: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))["records"]
    return records


@pytest.mark.parametrize("seed", range(60))
def test_missing_objects_never_become_permission(shared_data: Callable[[str], Path], seed: int) -> None:
    """Delete one object that describes a VM or a host: no rule crashes, and no move becomes legal by it.

    What a deleted VM, VIF, VBD or VGPU no longer asks for does not count, so that objects of hosts are deleted here,
    and what the guest or its disk says of itself.
    """
    chance = random.Random(seed)
    records = copy.deepcopy(random_pool(shared_data("xapi-verdicts/random-3.json.gz")))
    before = matrix(pool_from_records(records))
    kind = chance.choice(("host_metrics", "VM_metrics", "VM_guest_metrics", "VDI", "SR", "PBD", "PIF", "network"))
    ref = chance.choice(sorted(records[kind]))
    del records[kind][ref]
    assert matrix(pool_from_records(records)) <= before


def test_vm_and_host_of_which_nothing_is_known() -> None:
    """A VM without metrics and a host without any CPU or capability: objections, no crash."""
    bare = make_host("h2", cpu_info={}, capabilities=(), software_version={}, chipset_info={}, live=None, pbds=())
    unknown = make_vm("web", metrics=None, guest_metrics=None, last_boot_cpu_flags={}, domain_type=None)
    problem = problem_of(hosts=(make_host("h1"), bare), vms=[unknown])
    legality = Rulebook.of(problem).live
    found = {each.rule for each in legality.objections(problem.pool.vms["web"], problem.pool.hosts["h2"])}
    assert found >= {
        "domain-type-known",
        "cpu-vendor",
        "cpu-features",
        "guest-tools",
        "target-live",
        "shared-sr-visible",
        "enough-pcpus",
        "version-order",
    }


def without(records: dict[str, Any], kind: str, field: str) -> dict[str, Any]:
    """The same records, none of a class with one field."""
    cut = {ref: {key: value for key, value in each.items() if key != field} for ref, each in records[kind].items()}
    return {**records, kind: cut}


def fields_of(records: dict[str, Any]) -> list[tuple[str, str]]:
    """Every class and field that some record has."""
    return sorted({(kind, field) for kind, table in records.items() for each in table.values() for field in each})


def gaining(records: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every class and field such that a move becomes legal once no record of the class has it.

    A pool that is refused has no moves, and one in which nothing of the field was read has those that it had.
    """
    whole = pool_from_records(records)
    before = matrix(whole)
    for kind, field in fields_of(records):
        with suppress(InventoryError):
            pool = pool_from_records(without(records, kind, field))
            if pool != whole and not matrix(pool) <= before:
                yield kind, field


LATER = {("VM", "hardware_platform_version"), ("VM", "VUSBs"), ("VM", "attached_PCIs"), ("VM_metrics", "nomigrate")}
"""Fields that an older XAPI does not have, and without which it does not ask: a pool without them is such a pool."""


@pytest.mark.parametrize("dump", DUMPS)
def test_a_field_that_real_databases_lack_is_no_permission(shared_data: Callable[[str], Path], dump: str) -> None:
    """Cut any one field out of every record of its class: no crash, and no move becomes legal by it."""
    records: dict[str, Any] = {
        kind: dict(table) for kind, table in records_from_dump(shared_data(f"xapi-db/{dump}")).items()
    }
    assert list(gaining(records)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["random-1", "random-ha", "random-upgrade", "usb-tpm", "pci-passthrough", "flying-1"])
def test_a_field_that_recorded_pools_lack_is_no_permission(shared_data: Callable[[str], Path], name: str) -> None:
    """The same for recorded pools of today's XAPI, but for what older ones do not have."""
    records = random_pool(shared_data(f"xapi-verdicts/{name}.json.gz"))
    assert set(gaining(records)) <= LATER

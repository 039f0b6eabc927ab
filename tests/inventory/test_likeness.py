"""What two inventories may differ in without anybody deciding otherwise."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from rebalancer.inventory import Pool
from rebalancer.inventory.digest import LEFT_OUT
from rebalancer.inventory.likeness import BY_ITSELF, TABLES, alike, disks_alike, tables_alike
from rebalancer.inventory.records import pool_from_records
from rebalancer.simulator import generate_pool
from tests.pools import make_host, make_pool, make_vm

POOL = pool_from_records(generate_pool(hosts=2, vms=4, seed=1, days=1).records)


def test_what_was_read_twice_is_alike() -> None:
    """No object is the same, and everything is."""
    again = pool_from_records(generate_pool(hosts=2, vms=4, seed=1, days=1).records)
    assert alike(POOL, again)
    assert all(tables_alike(getattr(POOL, name), getattr(again, name)) for name in TABLES)
    assert disks_alike(POOL, again)


def test_only_what_no_rule_reads_is_left_out() -> None:
    """Fields that change by themselves are among those that no digest has; the tables are compared one by one."""
    for kind, names in BY_ITSELF.items():
        assert names - set(TABLES) <= LEFT_OUT[kind]
    assert set(TABLES) <= {field.name for field in fields(Pool)}


HOST, VM = make_host("h"), make_vm("v")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (HOST, replace(HOST, enabled=False)),
        (HOST, replace(HOST, name="other")),
        (HOST, replace(HOST, tags=("x",))),
        (HOST, replace(HOST, pbds=())),
        (VM, replace(VM, tags=("x",))),
        (VM, replace(VM, other_config={"mac_seed": "x"})),
        (VM, replace(VM, current_operations=("snapshot",))),
        (VM, replace(VM, metrics=None)),
        (VM, HOST),
        (VM, None),
    ],
)
def test_what_anybody_reads_tells_apart(one: object, other: object) -> None:
    """Rules, wishes, names."""
    assert not alike(one, other)


@pytest.mark.parametrize("changes", [{"other_config": {"rebalancer:step": "s01"}}, {"other_config": {"note": "x"}}])
def test_notes_of_tools_tell_nothing_apart(changes: dict[str, Any]) -> None:
    """The mark of a run on its VM is one of them."""
    assert alike(VM, replace(VM, **changes))


def test_disks_of_nobody_do_not_count() -> None:
    """A disk that a backup makes, and that no guest has; a guest's own counts."""
    pool = make_pool(hosts=[HOST], vms=[make_vm("v", on="h")])
    guest = next(vm for vm in POOL.guests() if vm.vbds)
    mine = next(vbd.vdi for vbd in guest.vbds if vbd.vdi)
    assert disks_alike(pool, replace(pool, vdis={**pool.vdis, "new": POOL.vdis[mine]}))
    other = {**POOL.vdis, mine: replace(POOL.vdis[mine], virtual_size_bytes=1)}
    assert not disks_alike(POOL, replace(POOL, vdis=other))

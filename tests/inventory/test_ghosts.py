"""Operations that no task carries out any more are told from those that are under way."""

from __future__ import annotations

from typing import Any

import pytest

from rebalancer.inventory import pool_from_records
from rebalancer.inventory.digest import inventory_digest
from tests.inventory.small import small_records

TASK, GONE = "OpaqueRef:task", "OpaqueRef:gone"


def records(tasks: dict[str, Any] | None, operations: dict[str, str]) -> dict[str, Any]:
    """A small pool, one VM and one host of which are marked with *operations*; without *tasks* nobody has read them."""
    found: dict[str, Any] = small_records()
    for kind in ("VM", "host"):
        ref = next(ref for ref, record in found[kind].items() if not record.get("is_control_domain"))
        found[kind][ref]["current_operations"] = dict(operations)
    found.pop("task", None)
    return found if tasks is None else found | {"task": tasks}


def task(status: str) -> dict[str, Any]:
    """One task in that state."""
    return {TASK: {"uuid": "11111111-0000-4000-8000-000000000000", "status": status}}


@pytest.mark.parametrize(
    ("tasks", "operations", "ghosts"),
    [
        ({}, {GONE: "pool_migrate"}, ("pool_migrate",)),
        (task("pending"), {TASK: "snapshot", GONE: "pool_migrate"}, ("pool_migrate",)),
        (task("cancelling"), {TASK: "snapshot"}, ()),
        (task("cancelled"), {TASK: "snapshot"}, ("snapshot",)),
        (task("success"), {TASK: "snapshot", GONE: "snapshot"}, ("snapshot", "snapshot")),
        ({}, {"DummyRef:|1|start": "start"}, ()),
        (None, {GONE: "pool_migrate"}, ()),
        ({}, {}, ()),
    ],
)
def test_a_ghost_has_no_task(tasks: dict[str, Any] | None, operations: dict[str, str], ghosts: tuple[str, ...]) -> None:
    """One that is over is none; xapi's own tasks are in no database; where nobody read tasks nothing is known."""
    pool = pool_from_records(records(tasks, operations))
    assert {vm.ghost_operations for vm in pool.vms.values()} - {()} == ({ghosts} if ghosts else set())
    assert {host.ghost_operations for host in pool.hosts.values()} - {()} == ({ghosts} if ghosts else set())


def test_ghosts_decide_nothing() -> None:
    """What XAPI takes for an operation is one to every rule: only the fix is another, and plans stay valid."""
    alive, dead = (pool_from_records(records(tasks, {TASK: "snapshot"})) for tasks in (task("pending"), {}))
    assert inventory_digest(alive) == inventory_digest(dead)

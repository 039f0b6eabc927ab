"""A pool that is kept up to date record by record equals the one that is made of all records anew."""

from __future__ import annotations

import random
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.errors import InventoryError
from rebalancer.inventory import renewal
from rebalancer.inventory.records import CLASSES, pool_from_records
from rebalancer.inventory.renewal import KeptPool, Renewal
from rebalancer.simulator import generate_pool

RECORDS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    kind: dict(rows) for kind, rows in generate_pool(hosts=4, vms=12, seed=4, days=1).records.items() if kind in CLASSES
}
NULL = "OpaqueRef:NULL"


def copied() -> dict[str, dict[str, Any]]:
    """Records of one's own."""
    return {kind: {ref: deepcopy(dict(record)) for ref, record in rows.items()} for kind, rows in RECORDS.items()}


def twisted(value: Any, chance: random.Random) -> Any:  # noqa: ANN401 - any field
    """Another value for a field, of the same kind or of none that XAPI sends."""
    others: list[Any] = [value, "", "nonsense", NULL, "OpaqueRef:lost", "17"]
    if isinstance(value, bool):
        others += [not value] * 6
    elif isinstance(value, dict):
        others += [{}, {**value, "OpaqueRef:lost": "pool_migrate"}] * 3
    elif isinstance(value, list):
        others += [[], [*value, "OpaqueRef:lost"], value[:1]] * 3
    elif str(value).isdecimal():
        others += [str(int(value) + 1)] * 6
    return chance.choice(others)


def some_change(records: dict[str, dict[str, Any]], chance: random.Random) -> Renewal:
    """One record gone, come, or with one field of another value; another object's of its class, most often."""
    kind = chance.choice([kind for kind in CLASSES if records.get(kind)])
    ref = chance.choice(sorted(records[kind]))
    record = deepcopy(records[kind][ref])
    how = chance.random()
    if how < 0.04:
        return Renewal(kind=kind, ref=ref, record=None)
    if how < 0.08:
        return Renewal(kind=kind, ref=f"{ref}x", record=record | {"uuid": f"{record.get('uuid')}x"})
    if how < 0.10:
        record.pop(chance.choice(sorted(record)))
        return Renewal(kind=kind, ref=ref, record=record)
    field = chance.choice(sorted(record))
    record[field] = (
        records[kind][chance.choice(sorted(records[kind]))].get(field)
        if how < 0.5 and field != "uuid"
        else twisted(record[field], chance)
    )
    return Renewal(kind=kind, ref=ref, record=record)


def applied(records: dict[str, dict[str, Any]], change: Renewal) -> None:
    """Change the records themselves."""
    if change.record is None:
        records[change.kind].pop(change.ref, None)
    else:
        records[change.kind][change.ref] = deepcopy(change.record)


def made(records: dict[str, dict[str, Any]]) -> object:
    """The pool of *records*, or why there is none."""
    try:
        return pool_from_records(records)
    except InventoryError as error:
        return str(error)


def kept_up(kept: KeptPool, changes: list[Renewal]) -> object:
    """The pool that is kept, or why there is none."""
    try:
        return kept.changed(changes)
    except InventoryError as error:
        return str(error)


@given(st.integers(0, 10**6), st.lists(st.integers(1, 3), min_size=1, max_size=6))
def test_whatever_changes_it_is_as_if_made_anew(seed: int, batches: list[int]) -> None:
    """Random changes of every class, sensible or not, some at a time; also once a pool could not be made at all."""
    chance, records = random.Random(seed), copied()
    kept = KeptPool(copied())
    for size in batches:
        changes = []
        for _ in range(size):
            changes.append(some_change(records, chance))
            applied(records, changes[-1])
        assert kept_up(kept, changes) == made(records)
        assert list(getattr(kept.pool, "vms", {})) == sorted(getattr(kept.pool, "vms", {}))


def a_vm() -> tuple[str, dict[str, Any]]:
    """A running guest."""
    return next(
        (ref, dict(record))
        for ref, record in RECORDS["VM"].items()
        if record["power_state"] == "Running" and not record["is_control_domain"]
    )


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> KeptPool:
    """A pool that cannot be made anew any more."""
    pool = KeptPool(copied())
    pool.changed(())
    monkeypatch.setattr(renewal, "pool_of", lambda *_records: pytest.fail("all was made anew"))
    return pool


def test_a_migration_makes_little_anew(kept: KeptPool) -> None:
    """A VM under way, its hosts, tasks that come and go, measurements, settings of the pool: other objects stay."""
    before = kept.changed(())
    ref, vm = a_vm()
    source, target = vm["resident_on"], next(each for each in RECORDS["host"] if each != vm["resident_on"])
    host, metrics = dict(RECORDS["host"][target]), dict(RECORDS["VM_metrics"][vm["metrics"]])
    pool_ref, pool = next(iter(RECORDS["pool"].items()))
    task = {"uuid": "task", "status": "pending"}
    begun = vm | {"scheduled_to_be_resident_on": target, "current_operations": {"OpaqueRef:t": "pool_migrate"}}
    after = kept.changed(
        [
            Renewal(kind="task", ref="OpaqueRef:t", record=task),
            Renewal(kind="VM", ref=ref, record=begun),
            Renewal(kind="host", ref=target, record=host | {"current_operations": {"OpaqueRef:t": "vm_migrate"}}),
            Renewal(kind="VM_metrics", ref=vm["metrics"], record=metrics | {"memory_actual": "7"}),
            Renewal(kind="pool", ref=pool_ref, record=dict(pool) | {"other_config": {"a": "b"}}),
        ]
    )
    assert after.vms[vm["uuid"]].current_operations == ("pool_migrate",)
    assert after.vms[vm["uuid"]].ghost_operations == ()
    assert after.hosts[host["uuid"]].current_operations == ("vm_migrate",)
    assert after.other_config == {"a": "b"}
    others = [uuid for uuid in before.vms if uuid != vm["uuid"]]
    assert all(after.vms[uuid] is before.vms[uuid] for uuid in others)
    over = kept.changed(
        [
            Renewal(kind="VM", ref=ref, record=vm | {"resident_on": target}),
            Renewal(kind="host", ref=target, record=host),
            Renewal(kind="task", ref="OpaqueRef:t", record=None),
        ]
    )
    assert over.vms[vm["uuid"]].resident_on == host["uuid"]
    assert over.hosts[RECORDS["host"][source]["uuid"]] is before.hosts[RECORDS["host"][source]["uuid"]]


def test_a_task_that_is_gone_leaves_a_ghost(kept: KeptPool) -> None:
    """The VM is as it was, and its operation has nobody any more."""
    ref, vm = a_vm()
    begun = vm | {"current_operations": {"OpaqueRef:t": "snapshot"}}
    task = Renewal(kind="task", ref="OpaqueRef:t", record={"uuid": "task", "status": "pending"})
    assert kept.changed([task, Renewal(kind="VM", ref=ref, record=begun)]).vms[vm["uuid"]].ghost_operations == ()
    gone = kept.changed([Renewal(kind="task", ref="OpaqueRef:t", record=None)])
    assert gone.vms[vm["uuid"]].ghost_operations == ("snapshot",)


def test_records_that_are_the_same_change_nothing(kept: KeptPool) -> None:
    """XAPI tells of objects that somebody touched without changing them."""
    before = kept.changed(())
    assert (
        kept.changed([Renewal(kind="VM", ref=ref, record=dict(each)) for ref, each in RECORDS["VM"].items()]) is before
    )

"""Names of a plan for people: who shares a name, or has none, is told apart by the beginning of its uuid."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from rebalancer.inventory import Uuid
from rebalancer.plan import HostRow, LeftAlone, Missing, Plan, Step

SHORT = 8
"""Characters of a uuid that commands take for the whole."""
NAMED = {"vm": "vm_name", "source": "source_name", "target": "target_name", "uuid": "name"}
"""Fields with a uuid, and those with the name of what it is."""

Row = TypeVar("Row", Step, HostRow, Missing, LeftAlone)


def told_apart(plan: Plan) -> Plan:
    """*plan* with names that mean one VM or host each, as far as it names them; to be read, not to be carried out."""
    hosts = {row.uuid: row.name for row in plan.hosts}
    vms = {uuid: name for uuid, name in _named(plan) if uuid not in hosts}
    shared = {uuid for called in (hosts, vms) for uuid in _unclear(called.items())}

    def clear(rows: Iterable[Row]) -> tuple[Row, ...]:
        return tuple(replace(row, **_called(row, shared)) for row in rows)

    return replace(
        plan,
        steps=clear(plan.steps),
        rollback=clear(plan.rollback),
        hosts=clear(plan.hosts),
        missing=clear(plan.missing),
        left_alone=clear(plan.left_alone),
        no_way_back=clear(plan.no_way_back),
    )


def _called(row: Row, shared: Collection[Uuid]) -> dict[str, Any]:
    uuids = {name: getattr(row, field) for field, name in NAMED.items() if hasattr(row, name)}
    return {name: f"{getattr(row, name)} ({uuid[:SHORT]})".strip() for name, uuid in uuids.items() if uuid in shared}


def _named(plan: Plan) -> Iterator[tuple[Uuid, str]]:
    yield from ((step.vm, step.vm_name) for step in (*plan.steps, *plan.rollback))
    yield from ((each.vm, each.vm_name) for each in plan.missing)
    yield from ((each.uuid, each.name) for each in (*plan.left_alone, *plan.no_way_back))


def _unclear(called: Iterable[tuple[Uuid, str]]) -> Iterator[Uuid]:
    """Uuids whose name is empty, or also that of another."""
    by_name: dict[str, list[Uuid]] = {}
    for uuid, name in called:
        by_name.setdefault(name.strip(), []).append(uuid)
    for name, uuids in by_name.items():
        if not name or len(uuids) > 1:
            yield from uuids

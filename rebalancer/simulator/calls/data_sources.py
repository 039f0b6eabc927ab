"""Calls about single data sources: what there is, its newest value, and what is recorded (rrdd_server.ml)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rebalancer.simulator.calls.context import Context, Handler, Table
from rebalancer.simulator.rrd import archives, catalogue, sources
from rebalancer.simulator.rrd.contention import Rows
from rebalancer.simulator.state.failure import ApiFailure

FINEST = archives.ARCHIVES[0]
# Finds what is measured by the ref of a host or VM; nothing for a VM that does not run.
Measure = Callable[[Context, str], sources.Owner | None]


def of_host(context: Context, host: str) -> sources.Owner | None:
    """What is measured of a host now."""
    context.world.database.get("host", host)
    return sources.owner_of(_now(context), host, None)


def of_vm(context: Context, vm: str) -> sources.Owner | None:
    """What is measured of a VM now."""
    record = context.world.database.get("VM", vm)
    if record["power_state"] not in {"Running", "Paused"}:
        return None
    return sources.owner_of(_now(context), record["resident_on"], record)


def _now(context: Context) -> Rows:
    return Rows(world=context.world, archive=FINEST, ends=FINEST.ends(context.world.clock())[-1:])


def listed(measure: Measure) -> Handler:
    """The handler of get_data_sources."""

    def handler(context: Context, ref: str) -> list[dict[str, Any]]:
        owner = measure(context, ref)
        return [_record(context, owner, name) for name in sorted(owner.columns)] if owner else []

    return handler


def _record(context: Context, owner: sources.Owner, name: str) -> dict[str, Any]:
    kind = catalogue.kind_of(name)
    return {
        "name_label": name,
        "name_description": kind.description,
        "enabled": catalogue.is_recorded(context.world, owner.uuid, name),
        "standard": kind.standard,
        "units": kind.units,
        "min": 0.0,
        "max": kind.most,
        "value": 0.0,
    }


def queried(measure: Measure) -> Handler:
    """The handler of query_data_source: the newest value; INTERNAL_ERROR for what is not recorded."""

    def handler(context: Context, ref: str, name: str) -> float:
        owner = measure(context, ref)
        if owner is None or name not in catalogue.recorded(context.world, owner):
            raise ApiFailure("INTERNAL_ERROR", "Rrd_interface.Rrdd_error(_)")
        return float(owner.columns[name][-1])

    return handler


def set_recorded(measure: Measure, *, wanted: bool) -> Handler:
    """The handler of record_data_source and forget_data_source_archives; the former refuses what there is not."""

    def handler(context: Context, ref: str, name: str) -> None:
        owner = measure(context, ref)
        if owner is None:
            return
        if wanted and name not in owner.columns:
            raise ApiFailure("INTERNAL_ERROR", "Rrd_interface.Rrdd_error(_)")
        context.world.recorded[owner.uuid, name] = wanted

    return handler


def _query_vm(context: Context, vm: str, name: str) -> float:
    if (state := context.world.database.get("VM", vm)["power_state"].lower()) not in {"running", "paused"}:
        raise ApiFailure("VM_BAD_POWER_STATE", vm, "running;paused", state)
    value: float = queried(of_vm)(context, vm, name)
    return value


CALLS: Table = {
    f"{cls}.{call}": handler
    for cls, measure in (("host", of_host), ("VM", of_vm))
    for call, handler in (
        ("get_data_sources", listed(measure)),
        ("query_data_source", queried(measure)),
        ("record_data_source", set_recorded(measure, wanted=True)),
        ("forget_data_source_archives", set_recorded(measure, wanted=False)),
    )
} | {"VM.query_data_source": _query_vm}

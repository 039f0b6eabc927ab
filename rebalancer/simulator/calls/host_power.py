"""Switching hosts off and on: what XAPI refuses, and what it accepts (xapi_host.ml, xapi_host_helpers.ml).

An accepted call marks the host with the operation and answers; what follows comes later, see `migration.boots`.
"""

from __future__ import annotations

from functools import partial

from rebalancer.simulator.calls.context import Context, Table
from rebalancer.simulator.checks import failover
from rebalancer.simulator.checks.facts import is_live
from rebalancer.simulator.checks.vm_operations import in_progress
from rebalancer.simulator.migration import boots
from rebalancer.simulator.state import tasks
from rebalancer.simulator.state.database import Database
from rebalancer.simulator.state.failure import ApiFailure

# What brings VMs to a host, and what takes them away: one kind does not go with the other.
ARRIVALS = ("provision", "vm_resume", "vm_migrate")
DEPARTURES = ("evacuate", "reboot", "shutdown")


def assert_allowed(database: Database, host: str, operation: str) -> None:
    """Raise what stands against an operation of a host in its record.

    Raises:
        ApiFailure: OTHER_OPERATION_IN_PROGRESS [host, ref, operation, task]; HOST_NOT_DISABLED []; HOST_IS_LIVE [ref]
            or HOST_POWER_ON_MODE_DISABLED [] for one that is to be switched on.
    """
    record = database.get("host", host)
    if operation == "power_on":
        if is_live(database, record):
            raise ApiFailure("HOST_IS_LIVE", host)
        if not record["power_on_mode"]:
            raise ApiFailure("HOST_POWER_ON_MODE_DISABLED")
        return
    unlike = ARRIVALS if operation in DEPARTURES else ()
    opposite = {"reboot": "shutdown", "shutdown": "reboot"}.get(operation)
    for kinds in (unlike, (opposite,), ("apply_updates",)):
        for task, current in record["current_operations"].items():
            if current in kinds:
                raise in_progress("host", host, {task: current})
    if operation in {"reboot", "shutdown"} and record["enabled"]:
        raise ApiFailure("HOST_NOT_DISABLED")


def assert_reached(database: Database, host: str) -> None:
    """Raise HOST_OFFLINE [ref] for a host that no call can be passed on to."""
    if not is_live(database, database.get("host", host)):
        raise ApiFailure("HOST_OFFLINE", host)


def go_down(operation: str, words: str, context: Context, host: str) -> None:
    """Accept that a host is switched off or started anew: both count as a shutdown from then on."""
    world, database = context.world, context.world.database
    with database.lock:
        assert_allowed(database, host, operation)
        assert_reached(database, host)
        task = tasks.begin(world, words, description=words, session=context.session)
        current = database.get("host", host)["current_operations"]
        database.change("host", host, current_operations={**current, task: "shutdown"})
    boots.go_down(world, host, again=operation == "reboot")


def power_on(context: Context, host: str) -> None:
    """Accept that a host is switched on by the plugin of its power_on_mode."""
    with context.world.database.lock:
        assert_allowed(context.world.database, host, "power_on")
    if host in context.world.down and host not in context.world.booting:
        boots.boot(context.world, host)


def set_power_on_mode(context: Context, host: str, mode: str, config: dict[str, str]) -> None:
    """Say by which plugin a host is switched on, "" for none; XAPI looks at neither."""
    context.world.database.change("host", host, power_on_mode=mode, power_on_config=dict(config))


def disable(context: Context, host: str, auto_enable: bool = True) -> None:  # noqa: FBT001, FBT002 - as XAPI has it
    """Let a host take no VMs any more; HA may object, and a host that is dead cannot be told.

    It is enabled again when it boots, unless it was not to be.
    """
    database = context.world.database
    with database.lock:
        failover.assert_may_disable(database, host)
        assert_reached(database, host)
        database.change("host", host, enabled=False)
        if not auto_enable:
            context.world.kept_disabled.add(host)


def enable(context: Context, host: str) -> None:
    """Let a host take VMs again."""
    database = context.world.database
    with database.lock:
        assert_allowed(database, host, "enable")
        assert_reached(database, host)
        database.change("host", host, enabled=True)
        context.world.kept_disabled.discard(host)


CALLS: Table = {
    "host.reboot": partial(go_down, "reboot", "Host is rebooting"),
    "host.shutdown": partial(go_down, "shutdown", "Host is shutting down"),
    "host.power_on": power_on,
    "host.set_power_on_mode": set_power_on_mode,
    "host.disable": disable,
    "host.enable": enable,
}

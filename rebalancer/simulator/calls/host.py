"""Calls of the classes host and pool that are more than fields."""

from __future__ import annotations

from functools import partial

from rebalancer.simulator.calls.advised import evacuation_plan
from rebalancer.simulator.calls.context import Context, Table, on_records
from rebalancer.simulator.checks import evacuation, failover, memory
from rebalancer.simulator.migration import evacuations
from rebalancer.simulator.state.database import Database
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import NULL
from rebalancer.simulator.state.world import stamp


def get_servertime(context: Context, host: str) -> str:
    """The time on a host's clock."""
    context.world.database.get("host", host)
    return stamp(context.world.host_time(host))


def get_server_localtime(context: Context, host: str) -> str:
    """The time on a host's clock in its time zone, which is UTC, and which the answer does not say."""
    return get_servertime(context, host).removesuffix("Z")


def management_interface(database: Database, host: str) -> str:
    """The PIF over which a host is managed; INTERNAL_ERROR [Not_found] for a host without."""
    for ref, pif in database.items("PIF"):
        if pif["host"] == host and pif["management"]:
            return ref
    raise ApiFailure("INTERNAL_ERROR", "Not_found")


def most_failures(database: Database) -> str:
    """How many host failures HA could survive, written to the pool's record as XAPI does."""
    count = str(failover.failures_tolerated(database))
    ref, pool = next(database.items("pool"))
    short = int(count) < int(pool["ha_host_failures_to_tolerate"])
    database.change("pool", ref, ha_plan_exists_for=count, ha_overcommitted=short)
    return count


def evacuate(context: Context, host: str, network: str = NULL, batch_size: str = "0") -> None:
    """Move every VM off a host; returns when the last one is gone."""
    plan = partial(evacuation_plan, context, host)
    evacuations.evacuate(context.world, context.task, host, network, int(batch_size), plan)


def assert_can_evacuate(database: Database, host: str) -> None:
    """Raise CANNOT_EVACUATE_HOST with everything that stands against it in one parameter."""
    if blocked := evacuation.plan(database, host).blocked:
        raise ApiFailure("CANNOT_EVACUATE_HOST", "|".join(",".join(words) for words in blocked.values()))


CALLS: Table = {
    "host.get_servertime": get_servertime,
    "host.get_server_localtime": get_server_localtime,
    "host.compute_free_memory": on_records(lambda database, host: str(memory.free_memory(database, host))),
    "host.compute_memory_overhead": on_records(
        lambda database, host: str(database.get("host", host)["memory_overhead"])
    ),
    "host.get_management_interface": on_records(management_interface),
    "host.evacuate": evacuate,
    "host.get_vms_which_prevent_evacuation": on_records(lambda database, host: evacuation.plan(database, host).blocked),
    "host.assert_can_evacuate": on_records(assert_can_evacuate),
    "pool.ha_compute_max_host_failures_to_tolerate": on_records(most_failures),
    "pool.ha_failover_plan_exists": on_records(lambda database, count: failover.plan_exists(database, int(count))),
}

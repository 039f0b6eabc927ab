"""Calls of the classes host and pool that are more than fields."""

from __future__ import annotations

from rebalancer.simulator.calls.context import Context, Table
from rebalancer.simulator.checks import evacuation, failover, memory
from rebalancer.simulator.migration import evacuations
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import NULL
from rebalancer.simulator.state.world import stamp


def get_servertime(context: Context, host: str) -> str:
    """The time on a host's clock."""
    context.world.database.get("host", host)
    return stamp(context.world.host_time(host))


def compute_free_memory(context: Context, host: str) -> str:
    """Bytes left on a host by the records."""
    with context.world.database.lock:
        return str(memory.free_memory(context.world.database, host))


def compute_memory_overhead(context: Context, host: str) -> str:
    """Bytes that Xen keeps on a host."""
    return str(context.world.database.get("host", host)["memory_overhead"])


def enable(context: Context, host: str) -> None:
    """Let VMs start on a host again."""
    context.world.database.change("host", host, enabled=True)


def disable(context: Context, host: str) -> None:
    """Let no VM start on a host any more; those on it stay."""
    context.world.database.change("host", host, enabled=False)


def most_failures(context: Context) -> str:
    """How many host failures HA could survive, written to the pool's record as XAPI does."""
    database = context.world.database
    with database.lock:
        count = str(failover.failures_tolerated(database))
        ref, pool = next(database.items("pool"))
        short = int(count) < int(pool["ha_host_failures_to_tolerate"])
        database.change("pool", ref, ha_plan_exists_for=count, ha_overcommitted=short)
    return count


def plan_exists(context: Context, failures: str) -> bool:
    """Whether HA could survive so many host failures."""
    with context.world.database.lock:
        return failover.plan_exists(context.world.database, int(failures))


def evacuate(context: Context, host: str, network: str = NULL, batch_size: str = "0") -> None:
    """Move every VM off a host; returns when the last one is gone."""
    evacuations.evacuate(context.world, context.task, host, network, int(batch_size))


def get_vms_which_prevent_evacuation(context: Context, host: str) -> dict[str, list[str]]:
    """{VM: code and parameters} of what stands against emptying a host."""
    with context.world.database.lock:
        return evacuation.plan(context.world.database, host).blocked


def assert_can_evacuate(context: Context, host: str) -> None:
    """Raise CANNOT_EVACUATE_HOST with everything that stands against it in one parameter."""
    if blocked := get_vms_which_prevent_evacuation(context, host):
        raise ApiFailure("CANNOT_EVACUATE_HOST", "|".join(",".join(words) for words in blocked.values()))


CALLS: Table = {
    "host.get_servertime": get_servertime,
    "host.compute_free_memory": compute_free_memory,
    "host.compute_memory_overhead": compute_memory_overhead,
    "host.enable": enable,
    "host.disable": disable,
    "host.evacuate": evacuate,
    "host.get_vms_which_prevent_evacuation": get_vms_which_prevent_evacuation,
    "host.assert_can_evacuate": assert_can_evacuate,
    "pool.ha_compute_max_host_failures_to_tolerate": most_failures,
    "pool.ha_failover_plan_exists": plan_exists,
}

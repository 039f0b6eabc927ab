"""Calls of the classes host and pool that are more than fields."""

from __future__ import annotations

from rebalancer.simulator.calls.request import Request, Table
from rebalancer.simulator.checks import failover, memory
from rebalancer.simulator.world import stamp


def get_servertime(request: Request, host: str) -> str:
    """Return the time on a host's clock."""
    request.world.database.get("host", host)
    return stamp(request.world.host_time(host))


def compute_free_memory(request: Request, host: str) -> str:
    """Return bytes left on a host by the records."""
    with request.world.database.lock:
        return str(memory.free_memory(request.world.database, host))


def compute_memory_overhead(request: Request, host: str) -> str:
    """Return bytes that Xen keeps on a host."""
    return str(request.world.database.get("host", host)["memory_overhead"])


def enable(request: Request, host: str) -> None:
    """Let VMs start on a host again."""
    request.world.database.change("host", host, enabled=True)


def disable(request: Request, host: str) -> None:
    """Let no VM start on a host any more; those on it stay."""
    request.world.database.change("host", host, enabled=False)


def most_failures(request: Request) -> str:
    """Return how many host failures HA could survive; like XAPI, write it down too."""
    database = request.world.database
    with database.lock:
        count = str(failover.failures_tolerated(database))
        ref, pool = next(database.items("pool"))
        short = int(count) < int(pool["ha_host_failures_to_tolerate"])
        database.change("pool", ref, ha_plan_exists_for=count, ha_overcommitted=short)
    return count


def plan_exists(request: Request, failures: str) -> bool:
    """Whether HA could survive so many host failures."""
    with request.world.database.lock:
        return failover.plan_exists(request.world.database, int(failures))


CALLS: Table = {
    "host.get_servertime": get_servertime,
    "host.compute_free_memory": compute_free_memory,
    "host.compute_memory_overhead": compute_memory_overhead,
    "host.enable": enable,
    "host.disable": disable,
    "pool.ha_compute_max_host_failures_to_tolerate": most_failures,
    "pool.ha_failover_plan_exists": plan_exists,
}

"""Calls of the class host that are more than fields."""

from __future__ import annotations

from rebalancer.simulator.calls.request import Request, Table
from rebalancer.simulator.world import stamp


def get_servertime(request: Request, host: str) -> str:
    """Return the time on a host's clock."""
    request.world.database.get("host", host)
    return stamp(request.world.host_time(host))


def enable(request: Request, host: str) -> None:
    """Let VMs start on a host again."""
    request.world.database.change("host", host, enabled=True)


def disable(request: Request, host: str) -> None:
    """Let no VM start on a host any more; those on it stay."""
    request.world.database.change("host", host, enabled=False)


CALLS: Table = {"host.get_servertime": get_servertime, "host.enable": enable, "host.disable": disable}

"""Calls of the class VM that are more than fields."""

from __future__ import annotations

from rebalancer.simulator import moves
from rebalancer.simulator.calls.request import Request, Table


def pool_migrate(request: Request, vm: str, host: str, options: dict[str, str]) -> None:
    """Move a VM within the pool; returns when it is there."""
    moves.pool_migrate(request.world, request.task, vm, host, options)


CALLS: Table = {"VM.pool_migrate": pool_migrate}

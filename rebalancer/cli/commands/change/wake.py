"""`rebalancer wake`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_one_pool
from rebalancer.cli.options import AsJson, PoolClock, StateDir


@reaches_one_pool
def wake(
    url: Annotated[
        str | None, typer.Argument(metavar="URL", help="URL of the pool (default: that of the policy).")
    ] = None,
    *,
    host: Annotated[
        list[str] | None,
        typer.Option("--host", metavar="HOST", help="Name or uuid of a host, whether it is needed or not; repeatable."),
    ] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Wake all hosts that sleep.")] = False,
    policy: Annotated[
        Path, typer.Option("--policy", "-p", metavar="FILE", help="Policy whose execution.power allows it.")
    ],
    pool_clock: PoolClock = False,
    connection: rb.Connection,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> int:
    """Switch hosts on that `sleep --execute` switched off.

    Those that the next hours need, and waits until they are back; VMs come to them with the next night. For a timer.
    """
    from rebalancer.cli.sleeping import Saving, own_pool

    if host and everyone:
        raise typer.BadParameter("it means all hosts, so name none", param_hint="--all")
    address, way = (url, connection) if url else own_pool(policy)
    saving = Saving(url=address, connection=way, policy=policy, state_dir=state_dir, pool_clock=pool_clock, json=json)
    return saving.wake(host or (), everyone=everyone)

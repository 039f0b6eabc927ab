"""`rebalancer return`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_one_pool
from rebalancer.cli.options import AnyTime, AsJson, StateDir, Url


@reaches_one_pool
def return_(
    url: Url,
    host: Annotated[str, typer.Argument(metavar="HOST", help="Name or uuid of a host that `evacuate` took out.")],
    *,
    policy: Annotated[
        Path, typer.Option("--policy", "-p", metavar="FILE", help="Policy whose execution.power allows it.")
    ],
    any_time: AnyTime = False,
    connection: rb.Connection,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> int:
    """Take a host back into service.

    Enables it, once it is live and its storage is plugged, and brings home the VMs that `evacuate --execute` moved.
    """
    from rebalancer.cli.maintaining import Visit

    visit = Visit(
        url=url,
        host=host,
        connection=connection,
        policy=policy,
        state_dir=state_dir,
        any_time=any_time,
        json=json,
    )
    return visit.bring_back()

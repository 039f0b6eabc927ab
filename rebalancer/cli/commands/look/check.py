"""`rebalancer check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_pools
from rebalancer.cli.options import AsJson, PolicyPath, Source


@reaches_pools
def check(
    source: Source,
    *,
    matrix: Annotated[
        Path | None,
        typer.Option(
            "--matrix",
            metavar="FILE",
            help="Also write, for every VM and host, the first rule that objects: empty where the VM may go, + where "
            "it may with its disks only, = where it is (.csv or .json).",
        ),
    ] = None,
    policy: PolicyPath = None,
    connection: rb.Connection,
    json: AsJson = False,
) -> None:
    """Show how many VMs may move, and what holds the others.

    Also: the cheapest fix for each of them, how many VMs each host could receive now, and what is broken now.
    """
    from rebalancer.cli.opening import open_model
    from rebalancer.cli.output import show_or_json
    from rebalancer.cli.views.checks import check_tables
    from rebalancer.legality.matrix import assert_writable

    if matrix:
        assert_writable(matrix)
    model = open_model(source, policy, connection, metrics=False)
    found = rb.check(model)
    if matrix:
        found.save(matrix)
    show_or_json(check_tables(found.report, model.problem.names), found.report.as_json, json=json)

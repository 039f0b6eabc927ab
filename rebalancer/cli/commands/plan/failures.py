"""`rebalancer failures`."""

from __future__ import annotations

from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_one_pool
from rebalancer.cli.options import AsJson, NoMetrics, PolicyPath, Source


@reaches_one_pool
def failures(
    source: Source,
    *,
    hosts: Annotated[int, typer.Option("--hosts", metavar="K", min=1, max=8, help="How many die together.")] = 1,
    policy: PolicyPath = None,
    no_metrics: NoMetrics = False,
    connection: rb.Connection,
    json: AsJson = False,
) -> None:
    """Tell which VMs stay down if hosts die, and why.

    For every host, or any so many together: who does not restart on the others, by which rule, and how busy the busiest
    host is then.
    """
    from rebalancer.cli.opening import open_model, say_refused
    from rebalancer.cli.output import show_or_json
    from rebalancer.cli.views.newcomers import failure_tables

    model = open_model(source, policy, connection, metrics=not no_metrics)
    say_refused(model.state)
    found = rb.failures(model, hosts)
    show_or_json(failure_tables(found), lambda: [each.as_json() for each in found], json=json)

"""`rebalancer whatif`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_one_pool
from rebalancer.cli.options import AsJson, Cluster, NoMetrics, PolicyPath, Source, Workers


@reaches_one_pool
def whatif(
    source: Source,
    scenarios: Annotated[Path, typer.Argument(metavar="SCENARIOS", help="A TOML file with scenarios.")],
    *,
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="S", min=0.1, help="Work for each scenario, in seconds of a CPU.")
    ] = 2.0,
    workers: Workers = None,
    dask: Cluster = None,
    policy: PolicyPath = None,
    no_metrics: NoMetrics = False,
    connection: rb.Connection,
    json: AsJson = False,
) -> None:
    """Compare scenarios: hosts fewer or more, growth, other rules.

    For each: whether the pool bears it, overload and its bound, hosts over their threshold, memory left, failures
    outlived, moves to get there, who is stuck and by which rule, and what has to be done first. Moves nothing.
    """
    from dataclasses import asdict

    from rebalancer.cli.opening import open_model, say_refused
    from rebalancer.cli.output import show_or_json
    from rebalancer.cli.sweeping import cluster_of
    from rebalancer.cli.views.newcomers import scenario_tables

    wanted = rb.scenarios.read(scenarios)
    model = open_model(source, policy, connection, metrics=not no_metrics)
    say_refused(model.state)
    with cluster_of(dask) as executor:
        found = rb.scenarios.outcomes(model, wanted, seconds=seconds, executor=executor, workers=workers)
    show_or_json(scenario_tables(found), lambda: [asdict(each) for each in found], json=json)

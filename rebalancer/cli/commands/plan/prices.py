"""`rebalancer prices`."""

from __future__ import annotations

from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_one_pool
from rebalancer.cli.options import AsJson, Cluster, NoMetrics, PolicyPath, Source, Workers


@reaches_one_pool
def prices(
    source: Source,
    *,
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="S", min=0.1, help="Work for each price, in seconds of a CPU.")
    ] = 2.0,
    every: Annotated[bool, typer.Option("--all", help="List those that cost nothing, too.")] = False,
    workers: Workers = None,
    dask: Cluster = None,
    policy: PolicyPath = None,
    no_metrics: NoMetrics = False,
    connection: rb.Connection,
    json: AsJson = False,
) -> None:
    """Tell what each rule, group and limit costs now.

    The pool balanced without it, on paper, beside balanced with it: overload that is saved, with a bound, and GiB
    copied. XAPI's own rules have prices, too, and cannot be relaxed. Moves nothing.
    """
    from dataclasses import asdict

    from rebalancer.cli.opening import open_model, say_refused
    from rebalancer.cli.output import show_or_json
    from rebalancer.cli.sweeping import cluster_of
    from rebalancer.cli.views.prices import price_tables
    from rebalancer.face.whatif.prices import priced

    model = open_model(source, policy, connection, metrics=not no_metrics)
    say_refused(model.state)
    with cluster_of(dask) as executor:
        found = priced(model, seconds=seconds, executor=executor, workers=workers)
    show_or_json(price_tables(found, every=every), lambda: [asdict(each) for each in found], json=json)

"""`rebalancer forecast`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_one_pool
from rebalancer.cli.options import AsJson, PolicyPath, Source, StateDir


@reaches_one_pool
def forecast(
    source: Source,
    *,
    traces: Annotated[
        Path | None,
        typer.Option(
            "--traces",
            metavar="FILE",
            help="CPU samples of two weeks or more (CSV or Parquet: vm_uuid, time, pcpu). Without it: the history.",
        ),
    ] = None,
    policy: PolicyPath = None,
    state_dir: StateDir = None,
    connection: rb.Connection,
    json: AsJson = False,
) -> None:
    """Tell when the pool runs out of CPU and memory.

    With an interval, and which VMs are oversized, idle, constrained or crowd out others. The past is that of the
    history, or of a file. Changes nothing.
    """
    from rebalancer.cli.opening import policy_of
    from rebalancer.cli.output import show_or_json
    from rebalancer.cli.views.forecast import forecast_document, forecast_tables

    wanted = policy_of(policy)
    model = rb.Model(rb.read(source, connection, metrics=False), wanted, state_dir=state_dir)
    past = None if traces else rb.history(wanted, state_dir=state_dir, base=policy.parent if policy else None)
    found = rb.forecast(model, traces, past=past)
    show_or_json(forecast_tables(found), lambda: forecast_document(found), json=json)

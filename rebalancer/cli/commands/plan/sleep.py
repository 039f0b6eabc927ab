"""`rebalancer sleep`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_one_pool
from rebalancer.cli.options import AsJson, NoMetrics, PolicyPath, Source


@reaches_one_pool
def sleep(
    source: Source,
    *,
    plan: Annotated[
        Path | None, typer.Option("--plan", metavar="PLAN", help="As if this plan were carried out; its policy counts.")
    ] = None,
    policy: PolicyPath = None,
    no_metrics: NoMetrics = False,
    connection: rb.Connection,
    json: AsJson = False,
) -> None:
    """Tell which hosts can sleep, and how few each hour needs.

    Those without VMs, together, with HA's failover plan and the hosts that the policy wants to spare kept. With
    metrics, how many hosts each hour needs at least. Switches nothing off.
    """
    from dataclasses import asdict

    from rebalancer.cli.opening import policy_of
    from rebalancer.cli.output import say, show_or_json
    from rebalancer.cli.views.hosts import sleep_tables

    if plan and policy:
        raise typer.BadParameter("the plan carries its policy", param_hint="--policy")
    made = rb.load(plan) if plan else None
    wanted = made.policy if made else policy_of(policy)
    state = rb.read(source, connection, demand=wanted.demand, metrics=not no_metrics)
    if state.refused:
        say(f"without metrics, hours are unknown: {state.refused}")
    found = rb.sleep(rb.Model(state, wanted), after=made)
    show_or_json(sleep_tables(found), lambda: asdict(found), json=json)

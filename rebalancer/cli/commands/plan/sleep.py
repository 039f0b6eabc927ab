"""`rebalancer sleep`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_one_pool
from rebalancer.cli.options import AnyTime, AsJson, NoMetrics, PolicyPath, PoolClock, StateDir


@reaches_one_pool
def sleep(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE",
            help="A pool: its URL, a snapshot file or a database dump, gzip'd or not (default: that of the policy).",
        ),
    ] = None,
    *,
    plan: Annotated[
        Path | None, typer.Option("--plan", metavar="PLAN", help="As if this plan were carried out; its policy counts.")
    ] = None,
    policy: PolicyPath = None,
    no_metrics: NoMetrics = False,
    execute: Annotated[
        bool,
        typer.Option("--execute", help="Empty hosts by a plan, and switch them off. The policy has to allow it."),
    ] = False,
    any_time: AnyTime = False,
    pool_clock: PoolClock = False,
    connection: rb.Connection,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> int:
    """Tell which hosts can sleep, and how many each hour needs.

    Those without VMs, together, with HA's failover plan and the hosts that the policy wants to spare kept. With
    metrics, those that the next hours need stay on, too. Switches nothing off but with --execute.
    """
    from dataclasses import asdict

    from rebalancer.cli.exits import Exit
    from rebalancer.cli.opening import policy_of, read_back
    from rebalancer.cli.output import say, show_or_json
    from rebalancer.cli.views.hosts import sleep_tables
    from rebalancer.face.connection import is_url

    if plan and policy:
        raise typer.BadParameter("the plan carries its policy", param_hint="--policy")
    if source is None:
        source, connection = _own(policy)
    if execute:
        return _executed(
            source, policy, plan, connection, state_dir, any_time=any_time, pool_clock=pool_clock, json=json
        )
    made = rb.load(plan) if plan else None
    wanted = made.policy if made else policy_of(policy)
    if is_url(source) and not no_metrics:
        state = read_back(source, connection, wanted, state_dir)
    else:
        state = rb.read(source, connection, demand=wanted.demand, metrics=not no_metrics)
    if state.refused:
        say(f"without metrics, hours are unknown: {state.refused}")
    found = rb.sleep(rb.Model(state, wanted), after=made)
    show_or_json(sleep_tables(found), lambda: asdict(found), json=json)
    return Exit.DONE


def _own(policy: Path | None) -> tuple[str, rb.Connection]:
    from rebalancer.cli.sleeping import own_pool

    if policy is None:
        raise typer.BadParameter("name a pool, or --policy with pool.url", param_hint="SOURCE")
    return own_pool(policy)


def _executed(
    url: str,
    policy: Path | None,
    plan: Path | None,
    connection: rb.Connection,
    state_dir: Path | None,
    **wishes: bool,
) -> int:
    from rebalancer.cli.sleeping import Saving
    from rebalancer.face.connection import is_url

    if policy is None or plan or connection.beside or not is_url(url):
        problem = "it takes the URL of a pool and --policy, and keeps its plans in the state folder"
        raise typer.BadParameter(problem, param_hint="--execute")
    saving = Saving(url=url, connection=connection, policy=policy, state_dir=state_dir, **wishes)
    return saving.put_to_sleep()

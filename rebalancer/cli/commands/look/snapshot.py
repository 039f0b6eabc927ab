"""`rebalancer snapshot`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_one_pool
from rebalancer.cli.options import DemandFile, NoMetrics, PolicyPath, Source


@reaches_one_pool
def snapshot(
    source: Source,
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write it (.json or .json.gz).")
    ],
    policy: PolicyPath = None,
    demand: DemandFile = None,
    connection: rb.Connection,
    no_metrics: NoMetrics = False,
) -> None:
    """Save a pool and its load profile to a file.

    Every other command but apply and nightly then works offline, with the file as its SOURCE.
    """
    from rebalancer.cli.opening import policy_of
    from rebalancer.cli.output import say
    from rebalancer.units import counted

    wanted = policy_of(policy).demand
    state = rb.read(source, connection, demand=wanted, metrics=not no_metrics, samples=demand)
    if state.refused:
        say("`--no-metrics` saves the pool without a load profile")
    state.save(output)
    pool = state.pool
    for sentence in _remarks(state):
        say(sentence)
    guests = sum(1 for _ in pool.resident_guests())
    measured = f"load profile from {state.demand.source}" if state.demand else "no load profile"
    size = f"{counted(len(pool.hosts), 'host')}, {counted(guests, 'running VM')}"
    say(f"{output}: pool {pool.name}, {size}, {measured}")


def _remarks(state: rb.PoolState) -> list[str]:
    """What to know of the load profile of *state*: clocks that were off, and whose metrics say nothing."""
    from rebalancer.inventory import Names

    if state.demand is None:
        return []
    names = Names(state.pool)
    called = {uuid: f"VM {name}" for uuid, name in names.vms.items()}
    called |= {uuid: f"host {name}" for uuid, name in names.hosts.items()}
    off = state.demand.clocks.sentences(names.hosts) if state.demand.clocks else ()
    refused = state.demand.refused.items()
    return [*off, *(f"{called.get(uuid, uuid)} has no metrics that can be used: {why}" for uuid, why in refused)]

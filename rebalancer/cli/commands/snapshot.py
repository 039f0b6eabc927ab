"""`rebalancer snapshot`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rebalancer.cli.options import CaFile, CredentialsFile, DemandFile, Fingerprint, NoMetrics, PolicyPath, Source


def snapshot(
    source: Source,
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write it (.json or .json.gz).")
    ],
    policy: PolicyPath = None,
    demand: DemandFile = None,
    ca_file: CaFile = None,
    fingerprint: Fingerprint = None,
    credentials: CredentialsFile = None,
    no_metrics: NoMetrics = False,
) -> None:
    """Save a pool and its load profile to a file.

    Every other command but apply and nightly then works offline, with the file as its SOURCE.
    """
    from rebalancer.cli.output import say
    from rebalancer.cli.source import Door, as_snapshot, open_source, with_demand_from
    from rebalancer.policy.load import policy_or_default
    from rebalancer.snapshot import write_snapshot
    from rebalancer.units import counted

    door = Door(ca_file=ca_file, fingerprints=fingerprint, credentials_file=credentials)
    wanted = policy_or_default(policy).demand
    situation = open_source(source, door, wanted, metrics=not no_metrics and demand is None)
    if demand:
        situation = with_demand_from(situation, demand, wanted)
    if situation.refused:
        say("`--no-metrics` saves the pool without a load profile")
        raise situation.refused
    write_snapshot(as_snapshot(situation), output)
    pool = situation.pool
    guests = sum(1 for _ in pool.resident_guests())
    measured = f"load profile from {situation.demand.source}" if situation.demand else "no load profile"
    size = f"{counted(len(pool.hosts), 'host')}, {counted(guests, 'running guest')}"
    say(f"{output}: pool {pool.name}, {size}, {measured}")

"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="A pool: its URL (https://…; http:// on loopback only), a snapshot file (.json, .json.gz) "
        "or a database dump (.xml, .xml.gz).",
    ),
]
Url = Annotated[str, typer.Argument(metavar="URL", help="The pool's coordinator: https://…; http:// on loopback only.")]
PlanPath = Annotated[Path, typer.Argument(metavar="PLAN", help="A plan folder, or its plan.json.")]
PolicyPath = Annotated[
    Path | None, typer.Option("--policy", "-p", metavar="FILE", help="Policy file (TOML). Without it: the defaults.")
]
CaFile = Annotated[
    Path | None, typer.Option("--ca-file", metavar="FILE", help="Trust this CA (PEM) instead of the system's.")
]
Fingerprint = Annotated[
    list[str] | None,
    typer.Option(
        "--fingerprint",
        metavar="SHA256",
        help="Trust only this certificate (repeat for several hosts); for self-signed pools.",
    ),
]
CredentialsFile = Annotated[
    Path | None,
    typer.Option(
        "--credentials",
        metavar="FILE",
        help="File with the user on its first line and the password on its second, readable by its owner only. "
        "Without it: REBALANCER_USER and REBALANCER_PASSWORD.",
    ),
]
Beside = Annotated[
    str | None,
    typer.Option(
        "--beside",
        metavar="SOURCE",
        help="Another pool, read like SOURCE and joined with it: VMs may go from one to the other, where the policy's "
        "other_pools.enabled lets them.",
    ),
]
BesideCredentials = Annotated[
    Path | None,
    typer.Option(
        "--beside-credentials",
        metavar="FILE",
        help="The same file for the pool of --beside. Without it: what logs in to SOURCE.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of tables for people.")]
NoMetrics = Annotated[bool, typer.Option("--no-metrics", help="Fetch no metrics, and use none that SOURCE carries.")]
StateDir = Annotated[
    Path | None,
    typer.Option(
        "--state-dir",
        metavar="DIR",
        help="Where locks, journals and nightly plans are kept "
        "(default: $XDG_STATE_HOME/rebalancer, else ~/.local/state/rebalancer).",
    ),
]
DemandFile = Annotated[
    Path | None,
    typer.Option(
        "--demand",
        metavar="FILE",
        help="CPU samples (.csv or .parquet: vm_uuid, time, pcpu) to use instead of the pool's own metrics.",
    ),
]

"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="A pool: its URL (https://…; http:// on loopback only), a snapshot file "
        "or a database dump, gzip'd or not.",
    ),
]
Url = Annotated[str, typer.Argument(metavar="URL", help="The pool's coordinator: https://…; http:// on loopback only.")]
PlanPath = Annotated[Path, typer.Argument(metavar="PLAN", help="A plan folder, or its plan.json.")]
PlanFolder = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FOLDER", help="Write the plan there: plan.json and what is made of it."),
]
PolicyPath = Annotated[
    Path | None, typer.Option("--policy", "-p", metavar="FILE", help="Policy file (TOML). Without it: the defaults.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of tables for people.")]
NoMetrics = Annotated[bool, typer.Option("--no-metrics", help="Fetch no metrics, and use none that SOURCE carries.")]
AnyTime = Annotated[
    bool,
    typer.Option(
        "--any-time", help="Do not wait for the change windows of the plan's policy, nor for blackouts to end."
    ),
]
PoolClock = Annotated[
    bool,
    typer.Option(
        "--pool-clock",
        help="Go by the clock of the pool, not by this machine's: to rehearse on a simulated pool.",
    ),
]
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
        help="CPU samples (CSV or Parquet: vm_uuid, time, pcpu) to use instead of the pool's own metrics.",
    ),
]
MetricsFile = Annotated[
    Path | None,
    typer.Option(
        "--metrics-file",
        metavar="FILE",
        help="Write how it ended to FILE (.prom), for the textfile collector of Prometheus' node_exporter.",
    ),
]
RunAs = Annotated[str, typer.Option("--run-as", metavar="USER", help="Who runs the nights.")]
MailTo = Annotated[
    str, typer.Option("--mail-to", metavar="ADDRESS", help="Who gets mail of a night that failed, by mail(1).")
]
Days = Annotated[
    int, typer.Option("--days", metavar="N", min=1, max=10_000, help="How many days back, today among them.")
]
Pool = Annotated[str | None, typer.Option("--pool", metavar="POOL", help="Only this pool: its name or uuid.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV for spreadsheets instead of tables for people.")]
VCPUs = Annotated[int | None, typer.Option("--vcpus", metavar="N", min=1, help="vCPUs of a VM by size.")]
MemoryGib = Annotated[float | None, typer.Option("--memory-gib", metavar="GIB", help="Memory of a VM by size.")]
Workers = Annotated[
    int | None,
    typer.Option("--workers", metavar="N", min=1, help="Work in N processes (default: one for each CPU)."),
]
Cluster = Annotated[
    str | None, typer.Option("--dask", metavar="SCHEDULER", help="Work on the Dask cluster with this scheduler.")
]
Load = Annotated[
    float | None,
    typer.Option("--load", metavar="PCPUS", help="pCPUs that a VM by size uses in all hours (default: its vCPUs)."),
]

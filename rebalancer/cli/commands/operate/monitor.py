"""`rebalancer monitor`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer


def monitor(
    which: Annotated[
        Literal["alerts", "dashboard"],
        typer.Argument(metavar="WHICH", help="`alerts` for Prometheus, or `dashboard` for Grafana."),
    ],
) -> None:
    """Print alert rules or a dashboard for the nights.

    They read what `nightly --metrics-file` writes: rules for Prometheus (YAML), a dashboard for Grafana (JSON).
    """
    from importlib.resources import files

    name = {"alerts": "rebalancer-alerts.yml", "dashboard": "rebalancer-dashboard.json"}[which]
    typer.echo(files("rebalancer").joinpath("nightly", name).read_text(encoding="utf-8"), nl=False)

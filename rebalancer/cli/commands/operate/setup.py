"""`rebalancer setup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rebalancer.cli.options import MailTo, MetricsFile, RunAs, Url


def setup(
    url: Url,
    *,
    folder: Annotated[
        Path, typer.Option("--folder", metavar="DIR", help="Where policy and credentials are written.")
    ] = Path("/etc/rebalancer"),
    units: Annotated[
        Path | None,
        typer.Option("--units", metavar="DIR", help="Write the systemd units there, too (/etc/systemd/system)."),
    ] = None,
    credentials: Annotated[
        Path | None,
        typer.Option(
            "--credentials",
            metavar="FILE",
            help="File with user and password that is there already. Without it: REBALANCER_USER and "
            "REBALANCER_PASSWORD, or what is answered.",
        ),
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option("--ca-file", metavar="FILE", help="Trust this CA (PEM) instead of the system's.")
    ] = None,
    fingerprint: Annotated[
        list[str] | None,
        typer.Option("--fingerprint", metavar="SHA256", help="A certificate that is confirmed (repeat for several)."),
    ] = None,
    legacy_tls: Annotated[
        bool, typer.Option("--legacy-tls", help="Take what old hosts offer, from hosts with a --fingerprint only.")
    ] = False,
    window: Annotated[
        str, typer.Option("--window", metavar="HH:MM-HH:MM", help="When migrations may start; nights begin with it.")
    ] = "22:00-05:00",
    timezone: Annotated[
        str | None, typer.Option("--timezone", metavar="ZONE", help="Of the window (default: this machine's).")
    ] = None,
    maximum_moves: Annotated[
        int, typer.Option("--maximum-moves", metavar="N", min=1, max=1_000_000, help="VMs that one night may move.")
    ] = 10,
    state_dir: Annotated[
        Path, typer.Option("--state-dir", metavar="DIR", help="Where locks, journals and plans will be kept.")
    ] = Path("/var/lib/rebalancer"),
    metrics_file: MetricsFile = None,
    run_as: RunAs = "rebalancer",
    mail_to: MailTo = "root",
    plan_only: Annotated[
        bool, typer.Option("--plan-only", help="The user need not be allowed to carry plans out.")
    ] = False,
    sleep: Annotated[
        bool,
        typer.Option("--sleep", help="Write a policy under which hosts sleep, too, and the units for it."),
    ] = False,
    sleep_at: Annotated[
        str | None,
        typer.Option(
            "--sleep-at",
            metavar="HH:MM",
            help="When hosts are emptied and switched off, with --sleep (default: an hour after the window opens).",
        ),
    ] = None,
) -> None:
    """Set up the nights of a pool: policy, credentials, units.

    Shows the certificates of the hosts to be confirmed, asks XAPI what the user may do, and writes files where there
    are none. Nothing is changed in the pool, and no night is run.
    """
    from rebalancer.cli.installing.arrival import Choice, arrive
    from rebalancer.cli.installing.policy_text import Wishes, zone_of_machine

    if sleep and plan_only:
        raise typer.BadParameter("hosts that sleep are switched off and on", param_hint="--plan-only")
    if sleep_at and not sleep:
        raise typer.BadParameter("no host is put to sleep without --sleep", param_hint="--sleep-at")
    wishes = Wishes(
        window=window, timezone=timezone or zone_of_machine(), maximum_moves=maximum_moves, sleep_at=sleep_at
    )
    choice = Choice(
        url=url,
        folder=folder,
        units=units,
        credentials=credentials,
        ca_file=ca_file,
        fingerprints=tuple(fingerprint or ()),
        legacy_tls=legacy_tls,
        wishes=wishes,
        state_dir=state_dir,
        metrics_file=metrics_file,
        run_as=run_as,
        mail_to=mail_to,
        executes=not plan_only,
        sleeps=sleep,
    )
    arrive(choice)

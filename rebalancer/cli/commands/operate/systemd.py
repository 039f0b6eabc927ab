"""`rebalancer systemd`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from rebalancer.cli.options import MailTo, MetricsFile, RunAs


def systemd(
    unit: Annotated[
        Literal["service", "timer", "failed", "sleep", "sleep-timer", "wake", "wake-timer"] | None,
        typer.Argument(
            metavar="UNIT",
            help="`service`, `timer` or `failed`, to print only that (default: all three), or of hosts that sleep "
            "`sleep`, `sleep-timer`, `wake` or `wake-timer`.",
        ),
    ] = None,
    *,
    program: Annotated[
        Path, typer.Option("--program", metavar="FILE", help="The command, where it is installed.")
    ] = Path("/opt/rebalancer/bin/rebalancer"),
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy",
            metavar="FILE",
            help="The policy (default: nightly.toml in /etc/rebalancer, of hosts that sleep saving.toml).",
        ),
    ] = None,
    state_dir: Annotated[
        Path, typer.Option("--state-dir", metavar="DIR", help="Where locks, journals and plans are kept.")
    ] = Path("/var/lib/rebalancer"),
    metrics_file: MetricsFile = None,
    run_as: RunAs = "rebalancer",
    mail_to: MailTo = "root",
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="TIME",
            help="When a night begins, 22:30 or '22:30 Europe/Berlin' (default: 22:30, of `sleep-timer` 23:30).",
        ),
    ] = None,
    plan_only: Annotated[bool, typer.Option("--plan-only", help="Nights plan, and move nothing.")] = False,
) -> None:
    """Print the systemd units of `nightly`, or of hosts that sleep.

    Service, timer, and what tells people of a night that failed; each below a comment with its file name, as
    `systemctl cat` prints them. `sleep` and `sleep-timer` are those that run `sleep --execute` every night, `wake` and
    `wake-timer` those that run `wake` every ten minutes.
    """
    from rebalancer.cli.installing.units import SAVING, UNITS, Installation, absolute, usual_of
    from rebalancer.cli.installing.units import unit as text_of

    usual = usual_of(unit or "service")
    there = Installation(
        program=absolute(program),
        policy=absolute(policy) if policy else usual.policy,
        state_dir=absolute(state_dir),
        user=run_as,
        metrics_file=absolute(metrics_file) if metrics_file else None,
        mail_to=mail_to,
        executes=not plan_only,
        at=at or usual.at,
    )
    kinds = [unit] if unit else list(UNITS)
    typer.echo("\n".join(f"# {(UNITS | SAVING)[each]}\n{text_of(each, there)}" for each in kinds), nl=False)

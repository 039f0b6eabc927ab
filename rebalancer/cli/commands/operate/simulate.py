"""`rebalancer simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def simulate(
    pool: Annotated[
        str | None,
        typer.Argument(
            metavar="POOL",
            help="A simulated pool file (.json.gz), `demo` for the demo's pool, `local` for one with local disks, "
            "or `annex` for one to stand beside them (default: one made up of --hosts, --vms, --seed and --days).",
        ),
    ] = None,
    *,
    hosts: Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="Hosts of a pool that is made up.")] = 16,
    vms: Annotated[int, typer.Option(metavar="N", min=1, max=20_000, help="Its running VMs.")] = 250,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="The same sizes and seed make the same pool.")] = 1,
    days: Annotated[
        int, typer.Option(metavar="N", min=1, max=366, help="Days of load that differ, before they come again.")
    ] = 14,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep pool, clock and load there when it stops (.json, .json.gz), and go on from there.",
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="What its clock shows at first: 2026-11-02T22:00, or +1d, +6h from now."),
    ] = None,
    clock_speed: Annotated[
        float, typer.Option(metavar="N", min=0.01, max=1000, help="How many times faster its clock runs.")
    ] = 1.0,
    port: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=65535, help="Port on every simulated host's address; 0 picks a free one."),
    ] = 8080,
    speed: Annotated[
        float, typer.Option(metavar="N", min=0.01, max=10_000, help="How many times faster than real migrations run.")
    ] = 1.0,
    boot_seconds: Annotated[
        float, typer.Option(metavar="N", min=0, help="Seconds that a host takes to boot, divided by --speed.")
    ] = 180.0,
    update: Annotated[
        str, typer.Option(metavar="VERSION", help="The platform version that hosts report once they have booted.")
    ] = "",
    rrd_generation: Annotated[
        Literal["8.2", "1.10", "24.11"], typer.Option(help="Whose shape the JSON metrics have.")
    ] = "24.11",
    tls: Annotated[bool, typer.Option("--tls", help="Serve HTTPS with a self-signed certificate.")] = False,
    beside: Annotated[
        str | None,
        typer.Option(metavar="POOL", help="Serve another pool, too, so that each can send VMs to the other."),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:KEY=VALUE,…]",
            help="Let something go wrong in POOL (repeat for several); `list` prints what there is.",
        ),
    ] = None,
) -> None:
    """Serve a simulated pool on loopback.

    Until Ctrl-C: XML-RPC, JSON-RPC, events and metrics, as XAPI serves them, each host at an address of its own. User
    and password are REBALANCER_USER and REBALANCER_PASSWORD, or root and simulated. Subjects that a client adds to the
    pool, and gives roles, log in with the same password. PUT /simulator/clock on any host sets the clock.
    """
    import os
    from functools import partial

    from rebalancer.cli.output import show_lines
    from rebalancer.cli.practice import BESIDE_NET, Practice, leave_in, pool_called, serve, taken_up
    from rebalancer.cli.stopping import asked_to_stop
    from rebalancer.cli.views.faults import fault_lines, want_faults
    from rebalancer.errors import InputError
    from rebalancer.simulator import Simulator

    if "list" in (fault or ()):
        show_lines(*fault_lines())
        return
    if state and beside:
        raise InputError("--state", "it keeps one pool, and --beside serves another one", "Leave one of them out")
    make = partial(
        Simulator,
        port=port,
        tls=tls,
        user=os.environ.get("REBALANCER_USER", "root"),
        password=os.environ.get("REBALANCER_PASSWORD", "simulated"),
        speed=speed,
        clock_speed=clock_speed,
        boot_seconds=boot_seconds,
        update=update,
        rrd_generation=rrd_generation,
    )
    wanted = Practice(name=pool, hosts=hosts, vms=vms, seed=seed, days=days)
    with asked_to_stop() as stop:
        first = taken_up(wanted, state, at, make)
        others = [make(pool_called(beside), net=BESIDE_NET, now=first.clock() if at else None)] if beside else []
        for other in others:
            first.introduce(other)
        want_faults(first, fault or ())
        serve([first, *others], port, stop, partial(leave_in, state, first, wanted) if state else lambda: None)

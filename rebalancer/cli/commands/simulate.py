"""`rebalancer simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def simulate(
    pool: Annotated[
        str,
        typer.Argument(
            metavar="POOL",
            help="A simulated pool file (.json.gz), `demo` for the demo's pool, or `local` for one with local disks.",
        ),
    ],
    *,
    port: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=65535, help="Port on every simulated host's address; 0 picks a free one."),
    ] = 8080,
    speed: Annotated[
        float, typer.Option(metavar="N", min=0.01, max=10_000, help="How many times faster than real migrations run.")
    ] = 1.0,
    rrd_generation: Annotated[
        Literal["8.2", "1.10", "24.11"], typer.Option(help="Whose shape the JSON metrics have.")
    ] = "24.11",
    tls: Annotated[bool, typer.Option("--tls", help="Serve HTTPS with a self-signed certificate.")] = False,
) -> None:
    """Serve a simulated pool on loopback.

    Until Ctrl-C: XML-RPC, JSON-RPC, events and metrics, as XAPI serves them, each host at an address of its own. User
    and password are REBALANCER_USER and REBALANCER_PASSWORD, or root and simulated.
    """
    import os
    import signal
    import threading

    from rebalancer.cli.output import show_lines
    from rebalancer.errors import InputError
    from rebalancer.simulator import Simulator, demo_pool, load_pool, local_pool

    made_up = {"demo": demo_pool, "local": local_pool}
    made = made_up[pool]() if pool in made_up else load_pool(Path(pool))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    user, password = os.environ.get("REBALANCER_USER", "root"), os.environ.get("REBALANCER_PASSWORD", "simulated")
    simulator = Simulator(
        made, port=port, tls=tls, user=user, password=password, speed=speed, rrd_generation=rrd_generation
    )
    try:
        simulator.start()
    except OSError as error:
        raise InputError(f"--port {port}", f"it cannot be served: {error.strerror}", "Name another port") from error
    try:
        show_lines(f"coordinator {simulator.url}, user {user}")
        if tls:
            show_lines(f"certificate SHA-256 {simulator.certificate_fingerprint}")
        stop.wait()
    finally:
        simulator.stop()

"""`rebalancer simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from rebalancer.simulator import Simulator

BESIDE_NET = 101
"""The second pool's hosts are 127.0.101.1 and so on."""


def simulate(
    pool: Annotated[
        str,
        typer.Argument(
            metavar="POOL",
            help="A simulated pool file (.json.gz), `demo` for the demo's pool, `local` for one with local disks, "
            "or `annex` for one to stand beside them.",
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
    pool, and gives roles, log in with the same password.
    """
    import os
    import signal
    import threading
    from contextlib import ExitStack

    from rebalancer.cli.output import show_lines
    from rebalancer.cli.views.faults import fault_lines, want_faults
    from rebalancer.simulator import Simulator, annex_pool, demo_pool, load_pool, local_pool

    if "list" in (fault or ()):
        show_lines(*fault_lines())
        return
    made_up = {"demo": demo_pool, "local": local_pool, "annex": annex_pool}
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    user, password = os.environ.get("REBALANCER_USER", "root"), os.environ.get("REBALANCER_PASSWORD", "simulated")
    simulators = [
        Simulator(
            made_up[name]() if name in made_up else load_pool(Path(name)),
            port=port,
            tls=tls,
            user=user,
            password=password,
            speed=speed,
            rrd_generation=rrd_generation,
            net=net,
        )
        for name, net in ((pool, 1), (beside, BESIDE_NET))
        if name
    ]
    want_faults(simulators[0], fault or ())
    if beside:
        simulators[0].introduce(simulators[1])
    with ExitStack() as stack:
        for simulator in simulators:
            stack.callback(simulator.stop)
            _start(simulator, port)
        for simulator in simulators:
            _tell(simulator, user, tls=tls)
        stop.wait()


def _start(simulator: Simulator, port: int) -> None:
    """Start *simulator*; an `InputError` where *port* is taken, or not for everybody."""
    from rebalancer.errors import InputError

    try:
        simulator.start()
    except OSError as error:
        raise InputError(f"--port {port}", f"it cannot be served: {error.strerror}", "Name another port") from error


def _tell(simulator: Simulator, user: str, *, tls: bool) -> None:
    """Print how *simulator* is reached."""
    from rebalancer.cli.output import show_lines

    show_lines(f"coordinator {simulator.url}, user {user}")
    if tls:
        show_lines(f"certificate SHA-256 {simulator.certificate_fingerprint}")

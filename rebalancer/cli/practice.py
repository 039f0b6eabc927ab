"""Simulated pools as the command line asks for them: made up, read from a file, or taken up where they were left."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from rebalancer.cli.output import show_lines
from rebalancer.errors import InputError
from rebalancer.simulator import (
    Kept,
    SimulatedPool,
    Simulator,
    annex_pool,
    demo_pool,
    keep,
    kept_in,
    load_pool,
    local_pool,
    practice_pool,
    time_of,
)

MADE_UP = {"demo": demo_pool, "local": local_pool, "annex": annex_pool}
BESIDE_NET = 101
"""The second pool's hosts are 127.0.101.1 and so on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """What to simulate: the pool of this name or file, or else one that is made up of these sizes."""

    name: str | None
    hosts: int
    vms: int
    seed: int
    days: int

    def __str__(self) -> str:
        """As the state file keeps it."""
        return self.name or f"--hosts {self.hosts} --vms {self.vms} --seed {self.seed} --days {self.days}"

    def made(self) -> SimulatedPool:
        """The pool as it is at first."""
        if self.name is None:
            return practice_pool(hosts=self.hosts, vms=self.vms, seed=self.seed, days=self.days)
        return pool_called(self.name)


def pool_called(name: str) -> SimulatedPool:
    """A pool that is made up under this name, or the one in a file."""
    return MADE_UP[name]() if name in MADE_UP else load_pool(Path(name))


def taken_up(wanted: Practice, state: Path | None, at: str | None, make: Callable[..., Simulator]) -> Simulator:
    """The simulator that *make* makes of what is *wanted*, as it was left in *state*, if it was; its clock shows *at*.

    Raises:
        InputError: the file holds another pool, or none, or its folder is not there; *at* is no time, or is past.
    """
    kept = _left_in(state, wanted) if state else None
    if kept is None:
        return make(wanted.made(), now=_begin(at))
    simulator = make(kept.pool, now=kept.now, certificate=kept.certificate.encode())
    kept.put_into(simulator)
    try:
        simulator.clock.put(at or "+0s")
    except ValueError as error:
        raise InputError(f"--at {at}", str(error), "Name a later time") from error
    return simulator


def _begin(at: str | None) -> float | None:
    try:
        return time_of(at, time.time()) if at else None
    except ValueError as error:
        raise InputError(f"--at {at}", str(error), "Name a time") from error


def _left_in(state: Path, wanted: Practice) -> Kept | None:
    kept = kept_in(state)
    if kept is None and not state.parent.is_dir():
        raise InputError(f"--state {state}", "its folder is not there", "Make it, or name another file")
    if kept and kept.made_of != str(wanted):
        problem = f"it holds the pool of `{kept.made_of}`, and `{wanted}` is asked for"
        raise InputError(f"--state {state}", problem, "Name another file")
    return kept


def serve(simulators: Sequence[Simulator], port: int, stop: Event, leave: Callable[[], None]) -> None:
    """Serve pools until *stop* happens, then *leave*.

    Raises:
        InputError: the port is taken, or not for everybody.
    """
    with ExitStack() as stack:
        for simulator in simulators:
            stack.callback(simulator.stop)
            try:
                simulator.start()
            except OSError as error:
                problem = f"it cannot be served: {error.strerror}"
                raise InputError(f"--port {port}", problem, "Name another port") from error
        for simulator in simulators:
            show_lines(f"coordinator {simulator.url}, user {simulator.world.user}")
            if simulator.certificate_fingerprint:
                show_lines(f"certificate SHA-256 {simulator.certificate_fingerprint}")
        stop.wait()
        leave()


def leave_in(state: Path, simulator: Simulator, wanted: Practice) -> None:
    """Keep *simulator* in *state*.

    Raises:
        InputError: it cannot be written.
    """
    try:
        keep(simulator, state, str(wanted))
    except OSError as error:
        raise InputError(f"--state {state}", f"it cannot be written: {error.strerror}", "Make room") from error

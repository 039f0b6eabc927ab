"""Where runs are measured: a simulated pool in virtual time, or one that a process of its own serves over HTTP."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any, Final
from unittest.mock import patch

from rebalancer.execute import Clock
from rebalancer.inventory import Uuid
from rebalancer.rehearse.clock import RehearsedClock
from rebalancer.rehearse.lines import DirectConnection, SimulatedNetwork
from rebalancer.simulator import SimulatedPool, Simulator, VirtualTime, generate_pool
from rebalancer.simulator.migration.transfer import FIXED_SECONDS, LINK_BYTES_PER_SECOND
from rebalancer.simulator.state import tasks
from rebalancer.xapi import Credentials, LivePool, TaskState, TaskStatus, Trust, connect
from rebalancer.xapi.wire.connection import Reply
from rebalancer.xapi.wire.transport import OVER_NETWORKS, Wires

__all__ = ["FIXED_SECONDS", "SEED", "SLOWDOWN", "Stage", "real", "virtual"]

SEED = 1
NOMINAL_BYTES_PER_SECOND = 1.25e9
"""10 Gbit/s, as simulated interfaces say of themselves."""
SLOWDOWN: Final = NOMINAL_BYTES_PER_SECOND / LINK_BYTES_PER_SECOND
CALL_SECONDS = 0.005
"""What a call takes in virtual time."""
BEGINS = 1.8e9
KEYS = Credentials(user="root", password="simulator")  # noqa: S106 - the simulated pool's own


class TimedPool(LivePool):
    """Notes when the end of each task was seen first, and how much CPU time had passed when a call had left."""

    def __init__(self, url: str, clock: Clock, own_seconds: Callable[[], float], wires: Wires) -> None:
        super().__init__(connect(url, KEYS, Trust(), wires=wires))
        self.seen: dict[str, float] = {}
        self.launched_at = 0.0
        self._clock, self._own_seconds = clock, own_seconds

    def migrate(self, vm_uuid: Uuid, host_uuid: Uuid, network_uuid: Uuid | None = None) -> str:
        """As ever."""
        ref = super().migrate(vm_uuid, host_uuid, network_uuid)
        self.launched_at = self._own_seconds()
        return ref

    def task(self, ref: str) -> TaskState:
        """As ever."""
        state = super().task(ref)
        if state.status is not TaskStatus.PENDING:
            self.seen.setdefault(ref, self._clock.monotonic())
        return state


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A pool, the clock by which it lives, the CPU seconds of whoever uses it, and when each task ended."""

    live: TimedPool
    clock: Clock
    own_seconds: Callable[[], float]
    ends: Callable[[], Mapping[str, float]]


def generated(hosts: int, vms: int) -> SimulatedPool:
    """Half-full hosts and no VM that may not move."""
    return generate_pool(hosts=hosts, vms=vms, seed=SEED, fill=0.5, hot=0.0, pinned=0.0, days=1)


@contextmanager
def noting_ends(monotonic: Callable[[], float]) -> Iterator[dict[str, float]]:
    """The moments at which tasks of simulators in this process end."""
    ends: dict[str, float] = {}
    finish = tasks.finish

    def finished(world: Any, ref: str, status: str, **more: Any) -> None:  # noqa: ANN401 - the simulator's
        finish(world, ref, status, **more)
        ends.setdefault(ref, monotonic())

    with patch.object(tasks, "finish", finished):
        yield ends


def disturb(simulator: Simulator, storm: int, sleep: Callable[[float], None]) -> None:
    """Change *storm* disks a second, one after another, as long as the simulator runs."""
    refs = [ref for ref, _ in simulator.database.items("VDI")]
    number = 0
    while storm and not simulator.world.stopping.is_set():
        simulator.database.change("VDI", refs[number % len(refs)])
        number += 1
        sleep(1 / storm)


@contextmanager
def virtual(hosts: int, vms: int, storm: int) -> Iterator[Stage]:
    """A pool in virtual time: calls take `CALL_SECONDS`, and the caller's own CPU time passes there, too."""
    ours = VirtualTime(BEGINS)
    simulator = Simulator(generated(hosts, vms), timing=ours, login_delay=0.0)
    spent = [0.0, time.thread_time()]
    ask = DirectConnection.ask

    def charge() -> None:
        spent[0] += (own := time.thread_time() - spent[1])
        ours.sleep(own + CALL_SECONDS)

    def asked(self: DirectConnection, method: str, path: str, **more: Any) -> Reply:  # noqa: ANN401 - what HTTP takes
        charge()
        try:
            return ask(self, method, path, **more)
        finally:
            spent[1] = time.thread_time()

    def own_seconds() -> float:
        return spent[0] + time.thread_time() - spent[1]

    clock = RehearsedClock(ours)
    url = f"http://{simulator.database.get('host', simulator.world.coordinator)['address']}"
    ours.start(lambda: disturb(simulator, storm, ours.sleep))
    with noting_ends(ours.monotonic) as ends, patch.object(DirectConnection, "ask", asked):
        wires = SimulatedNetwork(simulator, ours).wires()
        with TimedPool(url, clock, own_seconds, wires) as live:
            yield Stage(live=live, clock=clock, own_seconds=own_seconds, ends=lambda: ends)
    simulator.world.stopping.set()
    ours.drain()


def serve(pipe: Connection, hosts: int, vms: int, storm: int) -> None:
    """Serve a pool until something comes through *pipe*; then send when each task ended."""
    with noting_ends(time.monotonic) as ends, Simulator(generated(hosts, vms), login_delay=0.0) as simulator:
        pipe.send(simulator.url)
        Thread(target=disturb, args=(simulator, storm, time.sleep), daemon=True).start()
        pipe.recv()
        pipe.send(ends)


@contextmanager
def real(hosts: int, vms: int, storm: int) -> Iterator[Stage]:
    """A pool in a process of its own, over HTTP; its clock is the machine's."""
    context = multiprocessing.get_context("spawn")
    pipe, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, hosts, vms, storm), daemon=True)
    process.start()

    def ends() -> Mapping[str, float]:
        pipe.send("over")
        found: Mapping[str, float] = pipe.recv()
        return found

    clock = Clock()
    try:
        with TimedPool(pipe.recv(), clock, time.process_time, OVER_NETWORKS) as live:
            yield Stage(live=live, clock=clock, own_seconds=time.process_time, ends=ends)
    finally:
        process.terminate()
        process.join()

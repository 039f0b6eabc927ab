"""The simulator as an object: a pool, served on loopback addresses of its own, until it is stopped."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Self

from rebalancer.errors import MissingExtra
from rebalancer.simulator.calls.dispatch import Dispatcher
from rebalancer.simulator.faults.catalogue import FAULTS, parse
from rebalancer.simulator.rrd.endpoints import RrdEndpoints
from rebalancer.simulator.rrd.render import Generation
from rebalancer.simulator.server.door import Door
from rebalancer.simulator.server.http import Acceptor, HostSite
from rebalancer.simulator.state.clock import PoolClock
from rebalancer.simulator.state.database import Database
from rebalancer.simulator.state.faults import Faults
from rebalancer.simulator.state.pool import SimulatedPool
from rebalancer.simulator.state.timing import Timing
from rebalancer.simulator.state.workload import Workload
from rebalancer.simulator.state.world import BOOT_SECONDS, World

HOSTS_PER_NET = 250


class Simulator:
    """A XAPI pool on 127.0.x.y, one address a host, the coordinator on the first.

    Use it as a context manager, or call `start` and `stop`.

    Args:
        pool: a simulated pool, or bare XenAPI records {class: {ref: record}}, also under a key "records"; VMs without
            load are nearly idle.
        port: the port on every address; 0 for any free one.
        tls: HTTPS with a self-signed certificate instead of HTTP.
        user: the one login.
        password: its password.
        speed: how many times faster than on a 10 Gbit/s link moves are; 20 makes them last a second or less.
        rrd_generation: whose RRD answers to give, "8.2", "1.10" or "24.11".
        now: seconds since the epoch at the start; the clock runs on from there. Without it, the real time.
        clock_speed: how many seconds of its clock pass in one of *timing*.
        login_delay: seconds that a wrong password costs.
        net: x of 127.0.x.y for the first hosts; pools that run beside each other need nets of their own.
        lengths: {(VM, host), both uuids: seconds that its migration there takes}, whatever its memory.
        tick: seconds after which a migration looks around; None for what people do not notice.
        timing: the time it lives in; without it, the machine's. In another it is not served, only called.
        certificate: key and certificate (PEM) to serve HTTPS with; without them, new ones.
        boot_seconds: how long a host takes to boot at speed 1; a tenth of it passes before it is gone.
        update: the platform version that hosts report once they have booted.

    `clock` is the pool's, and can be set.
    """

    def __init__(
        self,
        pool: SimulatedPool | Mapping[str, Any],
        *,
        port: int = 0,
        tls: bool = False,
        user: str = "root",
        password: str = "simulator",  # noqa: S107 - the simulated pool's own, on loopback
        speed: float = 1.0,
        rrd_generation: str = "24.11",
        now: float | None = None,
        clock_speed: float = 1.0,
        login_delay: float = 0.2,
        net: int = 1,
        lengths: Mapping[tuple[str, str], float] | None = None,
        tick: float | None = None,
        timing: Timing | None = None,
        certificate: bytes = b"",
        boot_seconds: float = BOOT_SECONDS,
        update: str = "",
    ) -> None:
        if not isinstance(pool, SimulatedPool):
            pool = SimulatedPool(records=dict(pool.get("records", pool)))
        self._pool = _with_addresses(pool, net)
        self._port, self._tls = port, tls
        self._generation = Generation(rrd_generation)
        self._listener: Acceptor | None = None
        self.certificate, self.certificate_fingerprint = certificate, ""
        timing = timing or Timing()
        self.clock = PoolClock(timing, now, clock_speed)
        self.world = World(
            database=Database(self._pool.records, timing),
            load=Workload(self._pool),
            timing=timing,
            clock=self.clock,
            speed=speed,
            user=user,
            password=password,
            login_delay=login_delay,
            lengths=lengths or {},
            tick=tick,
            boot_seconds=boot_seconds,
            update=update,
            faults=Faults(FAULTS, timing.monotonic),
            scheme="https" if tls else "http",
        )

    @property
    def database(self) -> Database:
        """The records as they are now; a test may change them behind everybody's back."""
        return self.world.database

    @property
    def faults(self) -> Faults:
        """What is to go wrong."""
        return self.world.faults

    def go_wrong(self, text: str) -> None:
        """Let a fault happen that `NAME[:KEY=VALUE[,KEY=VALUE…]]` describes; VMs and hosts go by name or uuid.

        Raises:
            ValueError: there is no such kind, setting, VM or host.
        """
        self.faults.want(parse(text, {cls: self.database.all(cls) for cls in ("VM", "host")}))

    @property
    def urls(self) -> dict[str, str]:
        """URL of each host by its uuid; only once the simulator runs."""
        if self._listener is None:
            raise RuntimeError("the simulator does not run: it has no URL")
        return {self.world.uuid("host", ref): self.world.url(ref) for ref, _ in self.database.items("host")}

    @property
    def url(self) -> str:
        """URL of the coordinator; only once the simulator runs."""
        return self.urls[self.world.uuid("host", self.world.coordinator)]

    def introduce(self, other: Simulator) -> None:
        """Let VMs be sent from each of two pools to the other."""
        self.world.neighbours.append(other.world)
        other.world.neighbours.append(self.world)

    def start(self) -> Self:
        """Begin to serve.

        Raises:
            OSError: the port is taken.
            MissingExtra: it is to serve HTTPS and has nothing to make a certificate with.
        """
        dispatcher, rrds = Dispatcher(self.world), RrdEndpoints(self.world, self._generation)
        hosts = _coordinator_first(self.database.all("host"), self.world.coordinator)
        sites = {
            record["address"]: HostSite(
                door=Door(world=self.world, host=ref, dispatcher=dispatcher), rrds=rrds, clock=self.clock
            )
            for ref, record in hosts.items()
        }
        context = None
        if self._tls:
            # Plain HTTP does without cryptography, which an extra brings.
            if find_spec("cryptography") is None:
                raise MissingExtra("the simulator's certificate", "cryptography", extra="simulator")
            from rebalancer.simulator.server.certificate import context_of, fingerprint_of, self_signed  # noqa: PLC0415

            self.certificate = self.certificate or self_signed(list(sites))
            context, self.certificate_fingerprint = context_of(self.certificate), fingerprint_of(self.certificate)
        self._listener = Acceptor(sites, self._port, context)
        self.world.port = self._listener.port
        self._listener.start()
        return self

    def stop(self) -> None:
        """Stop serving; moves under way stay undone. Stopping twice is no error."""
        self.world.stopping.set()
        with self.database.lock:
            self.database.changed.notify_all()
        if self._listener is not None:
            self._listener.stop()
            self._listener = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _with_addresses(pool: SimulatedPool, first_net: int) -> SimulatedPool:
    """A copy of the pool in which every host has its own loopback address; one that was served before keeps its own."""
    records = {cls: {ref: copy.copy(record) for ref, record in rows.items()} for cls, rows in pool.records.items()}
    (master,) = {record["master"] for record in records["pool"].values()}
    moved: dict[str, str] = {}
    if all(record["address"].startswith("127.0.") for record in records["host"].values()):
        return replace(pool, records=records)
    for number, record in enumerate(_coordinator_first(records["host"], master).values()):
        net, place = divmod(number, HOSTS_PER_NET)
        moved[record["address"]] = record["address"] = f"127.0.{first_net + net}.{1 + place}"
    for pif in records.get("PIF", {}).values():
        pif["IP"] = moved.get(pif["IP"], pif["IP"]) if pif["management"] else pif["IP"]
    return replace(pool, records=records)


def _coordinator_first(hosts: Mapping[str, dict[str, Any]], master: str) -> dict[str, dict[str, Any]]:
    return {ref: hosts[ref] for ref in sorted(hosts, key=lambda ref: (ref != master, hosts[ref]["address"], ref))}

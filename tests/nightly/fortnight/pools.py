"""Pools of 16 hosts and 250 VMs that are lived with for a fortnight, and what their simulators saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from rebalancer.simulator import Simulator, practice_pool

FIRST = datetime(2026, 11, 2, 22, 30, tzinfo=UTC)
"""When the first night begins."""
DAY = timedelta(days=1)
HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A VM that came to a host, by the pool's clock."""

    at: datetime
    vm: str
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """A pool, as only its simulator knows it.

    Args:
        name: what its policy is called.
        simulator: the pool.
    """

    name: str
    simulator: Simulator

    @property
    def now(self) -> datetime:
        """What its clock shows."""
        return datetime.fromtimestamp(self.simulator.clock(), UTC)

    def wait_until(self, moment: datetime) -> None:
        """Set its clock, forward only."""
        if moment > self.now:
            self.simulator.clock.put(moment.isoformat())

    @property
    def uuid(self) -> str:
        """The pool's."""
        (pool,) = self.simulator.database.all("pool").values()
        return str(pool["uuid"])

    def host(self, ref: str) -> str:
        """Uuid of a host."""
        return self.simulator.world.uuid("host", ref)

    def arrivals(self, since: datetime, until: datetime) -> list[Arrival]:
        """VMs that came to a host in that time, the first first."""
        found = [
            Arrival(at=datetime.fromtimestamp(when, UTC), vm=vm, host=self.host(ref))
            for vm, stays in self.simulator.world.load.stays.items()
            for when, ref in stays
            if when is not None
        ]
        return sorted((each for each in found if since <= each.at < until), key=lambda each: each.at)

    def overload(self, since: datetime, until: datetime, threshold: float, *, moved: bool) -> float:
        """PCPU-hours above *threshold* in the whole hours of a time; as if nothing had ever been *moved*, if not."""
        step = self.simulator.world.load.step
        first, last = -int(-since.timestamp() // HOUR), int(until.timestamp() // HOUR)
        ends = np.arange(first * HOUR + step, last * HOUR + step, step)
        return sum(self._above(ref, ends, threshold, moved=moved) for ref in self.simulator.database.all("host"))

    def _above(
        self, ref: str, ends: np.ndarray[tuple[int], np.dtype[np.int64]], threshold: float, *, moved: bool
    ) -> float:
        """By hours; a host gives no more pCPUs than it has."""
        load, host = self.simulator.world.load, self.simulator.database.get("host", ref)
        pcpus = int(host["cpu_info"]["cpu_count"])
        used = load.base(host["uuid"], ends, load.step)
        for vm, stays in load.stays.items():
            here = load.presence(vm, ref, ends) if moved else float(stays[0][1] == ref)
            used = used + here * load.vm(vm, ends, load.step)
        hours = np.minimum(used, pcpus).reshape(-1, HOUR // load.step).mean(axis=1)
        return float(np.maximum(hours - threshold * pcpus, 0.0).sum())

    def moving(self) -> bool:
        """Whether any VM is under way."""
        return any(vm["current_operations"] for vm in self.simulator.database.all("VM").values())


def lived_with(name: str, seed: int, net: int) -> Lived:
    """A pool whose clock shows the evening of the first night; its hosts are 127.0.*net*.1 and so on."""
    pool = practice_pool(hosts=16, vms=250, seed=seed)
    return Lived(
        name=name,
        simulator=Simulator(pool, speed=100.0, now=FIRST.timestamp(), login_delay=0.0, net=net),
    )


def nights_apart(arrivals: Iterator[Arrival]) -> dict[str, list[int]]:
    """{VM: the numbers of the nights in which it came somewhere}."""
    found: dict[str, set[int]] = {}
    for each in arrivals:
        found.setdefault(each.vm, set()).add((each.at - FIRST) // DAY)
    return {vm: sorted(nights) for vm, nights in found.items()}

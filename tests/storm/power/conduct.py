"""Judges hosts that sleep and wake: who is switched off, by whose doing it is empty, and what is left for the VMs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rebalancer.inventory import Pool, Uuid, pool_from_records
from rebalancer.inventory.records import CLASSES
from rebalancer.rules.facts.memory_model import guest_bytes, resident_bytes
from rebalancer.simulator import Simulator
from tests.storm.conduct import HARMLESS, KEY, MARKS
from tests.storm.judge import Judge, WatchedTime
from tests.storm.places import NULL, Places
from tests.storm.record import Call, Record

OF_HOSTS = {"host.disable", "host.enable", "host.shutdown", "host.power_on"}
HOUR_SECONDS = 3600.0


class Watch(Judge):
    """A judge who knows which hosts the runs have emptied, and since when each host is up again."""

    def __init__(self, simulator: Simulator, places: Places, time: WatchedTime, record: Record) -> None:
        super().__init__([simulator.database], places, time, record)
        self.simulator = simulator
        self.emptied: set[str] = set()
        self.up_since: dict[str, float] = {}
        self._used, self._live = self.used(), self.live()

    def used(self) -> set[str]:
        """The hosts on which a guest is, by ref."""
        rows = [vm for _, vm in self.simulator.database.items("VM")]
        return {vm["resident_on"] for vm in rows if not vm["is_control_domain"] and vm["resident_on"] != NULL}

    def live(self) -> set[str]:
        """The hosts that are up, by ref."""
        database = self.simulator.database
        rows = database.items("host")
        return {ref for ref, host in rows if database.get("host_metrics", host["metrics"])["live"]}

    def look(self) -> None:
        """Look at this instant."""
        dirty = self._dirty
        super().look()
        if dirty:
            self.note()

    def note(self) -> None:
        """Note who became empty, by whom, and who came up."""
        used, live = self.used(), self.live()
        if not self._others_act:
            self.emptied |= (self._used - used) & live
        self.emptied -= used
        self.up_since |= dict.fromkeys(live - self._live, self.time.monotonic())
        self._used, self._live = used, live

    @contextmanager
    def others(self) -> Iterator[None]:
        """Whatever changes until the block ends is done by others, and noted as such."""
        with super().others():
            yield
            self.note()


class Conduct:
    """Judges what is sent, and each host that goes down.

    Args:
        judge: who knows what has happened.
        rest_hours: how long a host that came up stays on.
        spare: how many hosts may fail, by HA or by the policy, without a VM that starts nowhere.
        load: pCPUs that all VMs together use now.
        share: the part of a host's pCPUs that they may use.
    """

    def __init__(self, judge: Watch, *, rest_hours: float, spare: int, load: Callable[[], float], share: float) -> None:
        self._judge, self._rest, self._spare = judge, rest_hours * HOUR_SECONDS, spare
        self._load, self._share = load, share
        self.switched_off = 0

    def at_sending(self, call: Call) -> None:
        """A process moves VMs, leaves marks of its own, and switches hosts."""
        name = call.method.removeprefix("Async.")
        if call.vm or name in HARMLESS or (name in MARKS and str(call.params[2]).startswith(KEY)):
            return
        if name not in OF_HOSTS:
            self._judge.blame(f"{call}: nobody may send that")

    def at_arrival(self, call: Call) -> None:
        """A VM that moves goes to a host that is up and enabled, and is on no way already."""
        database = self._judge.simulator.database
        target = database.by_uuid("host", call.target)
        if not database.get("host", target)["enabled"] or target not in self._judge.live():
            self._judge.blame(f"{call}: the host is disabled, or off")
        if self._judge.places.is_moving(call.vm):
            self._judge.blame(f"{call}: the VM is on its way already")

    def at_going_down(self, host: str) -> None:
        """A host is switched off, by its ref."""
        self.switched_off += 1
        judge, database = self._judge, self._judge.simulator.database
        record = database.get("host", host)
        name = record["name_label"]
        judge.note()
        if host == judge.simulator.world.coordinator:
            judge.blame(f"{name} is switched off, and coordinates")
        if host in judge.used():
            judge.blame(f"{name} is switched off with VMs")
        elif host not in judge.emptied:
            judge.blame(f"{name} is switched off, and others emptied it")
        if record["enabled"]:
            judge.blame(f"{name} is switched off, and not disabled")
        if not record["power_on_mode"]:
            judge.blame(f"{name} is switched off, and nobody can switch it on")
        rested = judge.time.monotonic() - judge.up_since.get(host, float("-inf"))
        if rested < self._rest:
            judge.blame(f"{name} is switched off {rested:.0f} s after it came up")
        for words in self.lacking(host):
            judge.blame(f"{name} is switched off: {words}")

    def lacking(self, without: str = "") -> Iterator[str]:
        """What the hosts that are on, but one, lack to hold all VMs, by sums alone: no plan can do with less."""
        database = self._judge.simulator.database
        pool = pool_from_records({cls: database.all(cls) for cls in CLASSES})
        gone = database.get("host", without)["uuid"] if without else ""
        left = [pool.hosts[host] for host in self.on(pool) - {gone}]
        rooms = sorted(guest_bytes(host) for host in left)
        held = sum(resident_bytes(vm) for vm in pool.resident_guests())
        if sum(rooms[: len(rooms) - self._spare]) < held:
            yield "the VMs do not fit into the memory that is left once others fail"
        if sum(host.pcpus or 0 for host in left) * self._share < self._load():
            yield "the VMs need more pCPUs than are left"

    def on(self, pool: Pool) -> set[Uuid]:
        """The hosts on which VMs can be."""
        return {uuid for uuid, host in pool.hosts.items() if host.live and host.enabled}

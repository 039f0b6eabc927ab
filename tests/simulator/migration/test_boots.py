"""Hosts that go down and come back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import XenAPI

from rebalancer.simulator import SimulatedPool, Simulator, VirtualTime, keep, kept_in
from rebalancer.simulator.calls.dispatch import Dispatcher
from rebalancer.simulator.state.failure import ApiFailure

BEGINS = 1_790_000_000.0
BOOT = 100.0


class Called:
    """The pool in a time of its own, called without a network."""

    def __init__(self, pool: SimulatedPool, **settings: Any) -> None:  # noqa: ANN401 - those of a simulator
        self.time = VirtualTime(BEGINS)
        self.simulator = Simulator(pool, timing=self.time, now=BEGINS, boot_seconds=BOOT, password="secret", **settings)
        self.world, self.database = self.simulator.world, self.simulator.database
        self._dispatcher = Dispatcher(self.world)
        self.session = self.log_in()

    def log_in(self) -> str:
        """A new session."""
        return str(self._dispatcher.call(self.world.coordinator, "session.login_with_password", ["root", "secret"])[1])

    def __call__(self, method: str, *params: object) -> object:
        """The answer to a call."""
        return self._dispatcher.call(self.world.coordinator, method, [self.session, *params])[1]

    def refusal(self, method: str, *params: object) -> list[str]:
        """What a call is refused with; nothing where it is not."""
        try:
            self(method, *params)
        except ApiFailure as refused:
            return list(refused.description)
        return []

    def host(self, ref: str) -> dict[str, Any]:
        """The record of a host."""
        return dict(self.database.get("host", ref))

    def is_live(self, ref: str) -> bool:
        """Whether a host is live by its metrics."""
        return bool(self.database.get("host_metrics", self.host(ref)["metrics"])["live"])

    def plugged(self, ref: str) -> set[bool]:
        """Whether its shared SRs are plugged."""
        rows = [pbd for _, pbd in self.database.items("PBD") if pbd["host"] == ref]
        return {bool(row["currently_attached"]) for row in rows if self.database.get("SR", row["SR"])["shared"]}

    def guests(self, ref: str) -> list[str]:
        """The guests on a host."""
        return [vm for vm in self.host(ref)["resident_VMs"] if not self.database.get("VM", vm)["is_control_domain"]]

    @property
    def member(self) -> str:
        """A host that is not the coordinator."""
        return next(ref for ref, _ in self.database.items("host") if ref != self.world.coordinator)

    def reboot(self, ref: str) -> None:
        """Disable a host, reboot it, and let it go down."""
        self("host.disable", ref)
        self("host.reboot", ref)
        self.time.sleep(0.2 * BOOT)


@pytest.fixture
def called(small_pool: SimulatedPool) -> Called:
    """The small pool."""
    return Called(small_pool)


def test_a_host_that_reboots_is_away_and_comes_back(called: Called) -> None:
    """Meanwhile it is not live, without storage, and its guests are off; then all is as before but they."""
    member = called.member
    guests, was = called.guests(member), called.host(member)["other_config"]["boot_time"]
    called.reboot(member)
    assert (member in called.world.down, called.is_live(member), called.plugged(member)) == (True, False, {False})
    assert {called.database.get("VM", vm)["power_state"] for vm in guests} == {"Halted"}
    called.time.sleep(BOOT)
    assert (member in called.world.down, called.is_live(member), called.plugged(member)) == (False, True, {True})
    assert called.host(member)["enabled"]
    assert called.host(member)["current_operations"] == {}
    assert called.host(member)["other_config"]["boot_time"] != was
    assert {called.database.get("VM", vm)["power_state"] for vm in guests} == {"Halted"}


def test_the_pool_is_away_with_its_coordinator(called: Called) -> None:
    """Sessions end; it is the coordinator again once it is back."""
    coordinator = called.world.coordinator
    called.reboot(coordinator)
    assert coordinator in called.world.down
    assert called.refusal("host.get_all")[:1] == ["SESSION_INVALID"]
    called.time.sleep(BOOT)
    called.session = called.log_in()
    assert called.is_live(coordinator)
    assert called.world.coordinator == coordinator


def test_a_host_that_was_shut_down_stays_off_until_it_is_switched_on(called: Called) -> None:
    """By a plug-in of its own."""
    member = called.member
    called("host.disable", member)
    called("host.shutdown", member)
    called.time.sleep(10 * BOOT)
    assert not called.is_live(member)
    called.database.change("host", member, power_on_mode="wake-on-lan")
    called("host.power_on", member)
    called("host.power_on", member)
    assert not called.is_live(member)
    called.time.sleep(1.01 * BOOT)
    assert called.is_live(member)


def test_a_host_stays_disabled_where_that_was_meant(called: Called) -> None:
    """`auto_enable` = false outlives the boot, until somebody enables it."""
    member = called.member
    called("host.disable", member, False)
    called("host.reboot", member)
    called.time.sleep(2 * BOOT)
    assert not called.host(member)["enabled"]
    called("host.enable", member)
    called.reboot(member)
    called.time.sleep(BOOT)
    assert called.host(member)["enabled"]


def test_hosts_report_what_was_installed_once_they_have_booted(small_pool: SimulatedPool) -> None:
    """While they differ, the pool is marked."""
    called = Called(small_pool, update="9.9.0")
    hosts = [ref for ref, _ in called.database.items("host")]
    marks = []
    for host in hosts:
        called.reboot(host)
        called.time.sleep(BOOT)
        called.session = called.log_in()
        (_, pool), *_ = called.database.items("pool")
        marks.append("rolling_upgrade_in_progress" in pool["other_config"])
        assert called.host(host)["software_version"]["platform_version"] == "9.9.0"
    assert marks == [True] * (len(hosts) - 1) + [False]


def test_guests_that_start_with_their_host_do(called: Called) -> None:
    """Those with the key, and only where the pool has it, too."""
    member = called.member
    one, other = called.guests(member)[:2]
    called.database.change("VM", one, other_config={"auto_poweron": "true"})
    called.reboot(member)
    called.time.sleep(BOOT)
    assert called.database.get("VM", one)["power_state"] == "Halted"
    (pool, _), *_ = called.database.items("pool")
    called.database.change("pool", pool, other_config={"auto_poweron": "true"})
    called.reboot(member)
    called.time.sleep(BOOT)
    assert called.database.get("VM", one)["power_state"] == "Running"
    assert called.database.get("VM", other)["power_state"] == "Halted"


def is_dead(called: Called, host: str) -> bool:
    """It never came back."""
    return not called.is_live(host) and host in called.world.down


def is_old(called: Called, host: str) -> bool:
    """It came back as it was."""
    return called.is_live(host) and called.host(host)["software_version"]["platform_version"] != "9.9.0"


def is_unplugged(called: Called, host: str) -> bool:
    """It came back without storage."""
    return called.is_live(host) and called.plugged(host) == {False}


def is_disabled(called: Called, host: str) -> bool:
    """It came back disabled."""
    return called.is_live(host) and not called.host(host)["enabled"]


@pytest.mark.parametrize(
    ("fault", "shows"),
    [
        ("boot-fails", is_dead),
        ("boots-slowly:seconds=60", lambda called, host: not called.is_live(host) and host in called.world.booting),
        ("comes-back-old", is_old),
        ("comes-back-unplugged", is_unplugged),
        ("comes-back-disabled", is_disabled),
    ],
)
def test_a_reboot_goes_wrong(small_pool: SimulatedPool, fault: str, shows: Callable[[Called, str], bool]) -> None:
    """Once; the next one goes well."""
    called = Called(small_pool, update="9.9.0")
    member = called.member
    called.database.change("host", member, power_on_mode="wake-on-lan")
    called.simulator.go_wrong(fault)
    called.reboot(member)
    called.time.sleep(BOOT)
    assert shows(called, member)
    if fault == "boot-fails":
        called("host.power_on", member)
    called.time.sleep(2 * BOOT)
    if called.is_live(member):
        called.reboot(member)
        called.time.sleep(BOOT)
    assert not shows(called, member)


def test_a_guest_that_does_not_react_runs_on(called: Called) -> None:
    """XAPI says so after a while; the next time it shuts down."""
    vm = called.guests(called.member)[0]
    called.simulator.faults.add("shutdown-ignored", vm=called.world.uuid("VM", vm), seconds=30)
    assert called.refusal("VM.clean_shutdown", vm) == ["VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT", vm]
    assert called.time.monotonic() >= 30
    assert called.database.get("VM", vm)["power_state"] == "Running"
    assert called.database.get("VM", vm)["current_operations"] == {}
    assert called.refusal("VM.clean_shutdown", vm) == []
    assert called.database.get("VM", vm)["power_state"] == "Halted"


def test_a_guest_that_does_not_start_stays_off(called: Called) -> None:
    """With the code that was asked for."""
    member = called.member
    vm = called.guests(member)[0]
    called("VM.clean_shutdown", vm)
    called.simulator.faults.add("start-fails", vm=called.world.uuid("VM", vm), code="HOST_NOT_ENOUGH_FREE_MEMORY")
    assert called.refusal("VM.start_on", vm, member, False, False)[0] == "HOST_NOT_ENOUGH_FREE_MEMORY"
    assert called.database.get("VM", vm)["power_state"] == "Halted"
    assert called.refusal("VM.start_on", vm, member, False, False) == []


def test_a_host_that_boots_is_up_when_the_pool_goes_on(small_pool: SimulatedPool, tmp_path: Path) -> None:
    """A pool that is kept has no boot half-way; what is off, and what is disabled for good, stays so."""
    with Simulator(small_pool, speed=1.0, boot_seconds=1e6) as simulator:
        session = XenAPI.Session(simulator.url)
        session.xenapi.login_with_password("root", "simulator", "1.0", "tests")
        first, second = [ref for ref, _ in simulator.database.items("host") if ref != simulator.world.coordinator]
        session.xenapi.host.disable(second, False)
        simulator.world.down.update((first, second))
        simulator.world.booting.add(first)
        keep(simulator, tmp_path / "pool.json", "small")
    kept = kept_in(tmp_path / "pool.json")
    assert kept is not None
    assert (list(kept.down), list(kept.kept_disabled)) == ([second], [second])

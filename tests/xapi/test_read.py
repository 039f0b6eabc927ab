from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rebalancer.demand import Quality
from rebalancer.errors import InventoryError, MetricsRefused, RefusedByXapi
from rebalancer.inventory import PowerState, Uuid, pool_from_records
from rebalancer.inventory.digest import inventory_digest
from rebalancer.inventory.records import CLASSES, Record
from rebalancer.simulator import Simulator, generate_pool
from rebalancer.xapi import (
    Credentials,
    MetricsFailure,
    ReadSession,
    Trust,
    connect,
    fetch_metrics,
    measure,
    read_clocks,
    read_pool,
)
from rebalancer.xapi.patience import NONE
from rebalancer.xapi.reading.read import _apply, read_records
from tests.inventory.small import small_records
from tests.pools import policy_of
from tests.xapi.scripted import failure, scripted, success

ROOT = Credentials(user="root", password="simulator")
DAY = timedelta(days=1)


def open_session(url: str) -> ReadSession:
    """A session with the simulated pool's login."""
    return connect(url, ROOT, Trust())


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A running pool of three hosts over plain HTTP."""
    with Simulator(generate_pool(hosts=3, vms=6, seed=1)) as running:
        yield running


def fetched(
    session: ReadSession, window: timedelta = DAY, *, timeout_seconds: float = 60.0
) -> dict[Uuid, bytes | MetricsFailure]:
    """What every host of the pool answers, each asked by its own clock."""
    pool = read_pool(session)
    clocks = read_clocks(session, pool)
    return fetch_metrics(session, pool, clocks, window=window, timeout_seconds=timeout_seconds)


def test_recorded_pools_come_over_the_wire(shared_data: Callable[[str], Path]) -> None:
    """A recorded pool is the same pool when it is read over XML-RPC, rare classes included."""
    for name in ("random-1", "sriov", "vgpu-kinds", "vm-groups", "usb-tpm"):
        with gzip.open(shared_data(f"xapi-verdicts/{name}.json.gz")) as file:
            records = json.load(file)["records"]
        with Simulator(records) as running, open_session(running.url) as session:
            read = read_pool(session)
        assert inventory_digest(read) == inventory_digest(
            pool_from_records({kind: running.database.all(kind) for kind in CLASSES})
        ), name


class Changing(ReadSession):
    """A session with a pool that changes while it is read: *between* happens after the VMs were read."""

    between: Callable[[], None]

    def all_records(self, kind: str) -> Mapping[str, Record]:
        """The records, and the change."""
        found = super().all_records(kind)
        if kind == "VM":
            self.between()
        return found


def test_a_change_while_reading_is_caught(simulator: Simulator) -> None:
    """A VM that is moved while the pool is read is where it is at the end, not where it was read."""
    with open_session(simulator.url) as plain:
        before = read_pool(plain)
        moving = next(vm for vm in before.resident_guests() if vm.power_state is PowerState.RUNNING)
        target = next(host for host in before.hosts if host != moving.resident_on)
        vm_ref, host_ref = plain.ref("VM", moving.uuid), plain.ref("host", target)
    session = open_session(simulator.url)
    session.__class__ = Changing
    session.between = lambda: simulator.database.change("VM", vm_ref, resident_on=host_ref)  # type: ignore[attr-defined]
    with session:
        assert read_pool(session).vms[moving.uuid].resident_on == target


def test_events_bring_records_up_to_date() -> None:
    """What was added and changed meanwhile is there, what was removed is gone, however a class is spelled."""
    records: dict[str, dict[str, Any]] = {kind: {} for kind in CLASSES}
    records["VM"] = {"A": {"uuid": "old"}, "B": {"uuid": "b"}}
    events: list[Mapping[str, Any]] = [
        {"class": "vm", "operation": "mod", "ref": "A", "snapshot": {"uuid": "new"}},
        {"class": "VM", "operation": "del", "ref": "B"},
        {"class": "vm", "operation": "del", "ref": "never seen"},
        {"class": "vbd", "operation": "add", "ref": "C", "snapshot": {"uuid": "c"}},
    ]
    _apply(records, events)
    assert records["VM"] == {"A": {"uuid": "new"}}
    assert records["VBD"] == {"C": {"uuid": "c"}}


def test_a_pool_that_contradicts_itself_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A running VM without host is read again, and stays so where it is no passing state; a contradiction is told."""
    broken, whole = small_records(), small_records()
    broken["VM"]["V"]["resident_on"] = ""
    answers = [broken, whole]
    monkeypatch.setattr("rebalancer.xapi.reading.read.read_records", lambda _session: answers.pop(0))
    session: Any = SimpleNamespace(remember=list, patience=NONE)
    assert read_pool(session, pause_seconds=0).vms["vm"].resident_on == "host"
    answers[:] = [broken] * 3
    assert [vm.name for vm in read_pool(session, pause_seconds=0).homeless()] == ["web"]
    assert answers == []
    broken["pool"]["P"]["master"] = ""
    answers[:] = [broken] * 3
    with pytest.raises(InventoryError, match="the coordinator is not one of the hosts"):
        read_pool(session, pause_seconds=0)
    assert answers == []


def test_classes_that_an_old_server_lacks_are_empty() -> None:
    """A class or the event call that XAPI does not know is left out; any other refusal is an error."""
    unknown = failure("MESSAGE_METHOD_UNKNOWN", "x")
    with scripted([success("OpaqueRef:S"), *[unknown] * 99]) as server:
        assert read_records(open_session(server.url)) == {kind: {} for kind in CLASSES}
        assert server.methods.count("event.from") == 1
    denied = failure("RBAC_PERMISSION_DENIED", "x", "y")
    refused = pytest.raises(RefusedByXapi, match="RBAC_PERMISSION_DENIED")
    with scripted([success("OpaqueRef:S"), unknown, denied]) as server, refused:
        read_records(open_session(server.url))


def test_metrics_of_every_host(simulator: Simulator) -> None:
    """Every host answers for itself, with its own name in its answer, and as XML."""
    with open_session(simulator.url) as session:
        pool = read_pool(session)
        found = fetched(session)
    assert set(found) == set(pool.hosts)
    for host, body in found.items():
        assert isinstance(body, bytes)
        assert body.startswith(b"<?xml")
        assert f"AVERAGE:host:{host}:cpu_avg".encode() in body
        assert b"<step>3600</step>" in body


def test_a_week_of_hours_stays_hourly(simulator: Simulator) -> None:
    """Asking for as many hours as the archive holds gives hours, not days."""
    with open_session(simulator.url) as session:
        found = fetched(session, 7 * DAY)
    assert all(isinstance(body, bytes) and b"<step>3600</step>" in body for body in found.values())


def test_each_host_is_asked_by_its_own_clock(simulator: Simulator) -> None:
    """A host whose clock is a day behind is asked for the day before that, so that it has the hours."""
    late = next(iter(simulator.urls))
    simulator.faults.add("clock-skew", host=late, seconds=-86400, times=-1)
    with open_session(simulator.url) as session:
        found = fetched(session)
    assert all(isinstance(body, bytes) and b"<step>3600</step>" in body for body in found.values())


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("rrd-error", "HTTP 500"), ("rrd-slow", "no answer in time")],
)
def test_one_host_fails_alone(simulator: Simulator, fault: str, reason: str) -> None:
    """A host that fails or hangs says so in its place; the answers of the others are there."""
    failing = next(iter(simulator.urls))
    settings: dict[str, Any] = {"seconds": 60} if fault == "rrd-slow" else {}
    simulator.faults.add(fault, host=failing, times=-1, **settings)
    with open_session(simulator.url) as session:
        found = fetched(session, timeout_seconds=3)
    missing = found.pop(failing)
    assert isinstance(missing, MetricsFailure)
    assert reason in missing.reason
    assert all(isinstance(body, bytes) for body in found.values())
    assert len(found) == 2


def test_a_dead_host_is_not_asked(simulator: Simulator) -> None:
    """A host that is not live gets no request and says why."""
    dead = list(simulator.urls)[-1]
    with open_session(simulator.url) as session:
        metrics = session.record("host", session.ref("host", dead))["metrics"]
        simulator.database.change("host_metrics", metrics, live=False)
        found = fetched(session)
    assert found[dead] == MetricsFailure(host=dead, reason="the host is not live")


def test_metrics_do_not_leave_in_the_clear(simulator: Simulator) -> None:
    """A host on another machine is not asked over plain HTTP: the session would be seen."""
    away = list(simulator.urls)[-1]
    with open_session(simulator.url) as session:
        simulator.database.change("host", session.ref("host", away), address="192.0.2.1")
        found = fetched(session)
    missing = found[away]
    assert isinstance(missing, MetricsFailure)
    assert "in the clear" in missing.reason


def test_metrics_trust_what_the_session_trusts() -> None:
    """With a pinned certificate metrics come over HTTPS from every host."""
    with Simulator(generate_pool(hosts=2, vms=2, seed=1), tls=True) as running:
        trust = Trust(fingerprints=frozenset({str(running.certificate_fingerprint)}))
        with connect(running.url, ROOT, trust) as session:
            found = fetched(session)
    assert len(found) == 2
    assert all(isinstance(body, bytes) for body in found.values())


def test_a_live_pool_is_measured(simulator: Simulator) -> None:
    """The metrics of all hosts become a load profile of the VMs that run, with a week behind it."""
    with open_session(simulator.url) as session:
        pool = read_pool(session)
        profile = measure(session, pool, policy_of().demand)
    assert set(profile.vms) == {vm.uuid for vm in pool.resident_guests()}
    assert profile.vm_pcpu.shape == (len(profile.vms), 24)
    assert (profile.window_end - profile.window_start) >= 6 * DAY


def test_metrics_of_one_host_of_three_are_too_few(simulator: Simulator) -> None:
    """Where one host is left, the silent ones refuse them all, by their names and with the reason."""
    silent, also, _ = simulator.urls
    for host in (silent, also):
        simulator.faults.add("rrd-error", host=host, times=-1)
    with open_session(simulator.url) as session:
        pool = read_pool(session)
        with pytest.raises(MetricsRefused, match=f"host {pool.hosts[silent].name}: it answers HTTP 500"):
            measure(session, pool, policy_of().demand)


def test_a_silent_host_is_told_and_the_others_are_measured() -> None:
    """One live host of four that sends no metrics says why; its VMs are unknown, those of the others measured."""
    with Simulator(generate_pool(hosts=4, vms=20, seed=1)) as running, open_session(running.url) as session:
        silent, url = next(iter(running.urls.items()))
        running.faults.add("rrd-error", host=silent, times=-1)
        pool = read_pool(session)
        profile = measure(session, pool, policy_of().demand)
    assert profile.refused == {silent: f"it answers HTTP 500 (asked at {url})"}
    unknown = {vm for vm, quality in profile.quality.items() if quality is Quality.UNKNOWN}
    assert unknown == {vm.uuid for vm in pool.resident_guests() if vm.resident_on == silent}


def test_a_pool_of_sixteen_hosts_is_read_and_measured() -> None:
    """16 hosts and 250 VMs with a week of hourly metrics give a profile of every host and guest."""
    with Simulator(generate_pool(hosts=16, vms=250, seed=1)) as running, open_session(running.url) as session:
        pool = read_pool(session)
        profile = measure(session, pool, policy_of().demand)
    assert len(profile.hosts) == 16
    assert len(profile.vms) > 200

"""A simulator that is stopped and started again with its state file."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
import XenAPI

from rebalancer.errors import InputError
from rebalancer.simulator import Simulator, keep, kept_in, load_pool, practice_pool, save_pool
from rebalancer.simulator.rrd.archives import ARCHIVES
from rebalancer.simulator.rrd.contention import Rows
from rebalancer.simulator.rrd.sources import host_owner

POOL = practice_pool(hosts=3, vms=9, seed=1, days=3)
BEGUN = 1_793_534_400.0
HOURS = ARCHIVES[2]


def loads(simulator: Simulator, now: float) -> dict[str, list[float]]:
    """What the hourly archive of each host tells, by uuid."""
    rows = Rows(world=simulator.world, archive=HOURS, ends=HOURS.ends(now))
    hosts = simulator.database.items("host")
    return {record["uuid"]: host_owner(rows, ref).columns["cpu_avg"].round(9).tolist() for ref, record in hosts}


def move_one(simulator: Simulator) -> tuple[str, str]:
    """Move a VM, and return its ref and that of its new host."""
    session = XenAPI.Session(simulator.url)
    session.xenapi.login_with_password("root", "simulator")
    vms = ((ref, vm) for ref, vm in simulator.database.items("VM") if vm["power_state"] == "Running")
    for ref, vm in vms:
        for host, _ in simulator.database.items("host"):
            if host != vm["resident_on"] and not vm["is_control_domain"]:
                try:
                    session.xenapi.VM.pool_migrate(ref, host, {"live": "true"})
                except XenAPI.Failure:
                    continue
                return ref, host
    raise AssertionError("nothing can move")


def again(path: Path, **options: object) -> Simulator:
    """The simulator that goes on with what is in *path*."""
    kept = kept_in(path)
    assert kept
    simulator = Simulator(kept.pool, now=kept.now, certificate=kept.certificate.encode(), **options)  # type: ignore[arg-type]
    kept.put_into(simulator)
    return simulator


def test_it_goes_on_where_it_was_left(tmp_path: Path) -> None:
    """The moved VM is where it went, the clock shows what it showed, and the RRDs tell the same past."""
    state = tmp_path / "state.json.gz"
    with Simulator(POOL, now=BEGUN, speed=500.0) as simulator:
        vm, host = move_one(simulator)
        later = simulator.clock.put("+1d")
        told, urls = loads(simulator, later), simulator.urls.keys()
        keep(simulator, state, "words")
    with again(state) as simulator:
        assert simulator.database.get("VM", vm)["resident_on"] == host
        assert later <= simulator.clock() < later + 60.0
        assert loads(simulator, later) == told
        assert simulator.urls.keys() == urls
        assert simulator.database.count("session") == simulator.database.count("task") == 0
    assert state.stat().st_mode & 0o777 == 0o600
    assert kept_in(state).made_of == "words"  # type: ignore[union-attr]


def test_a_move_under_way_is_not_made(tmp_path: Path) -> None:
    """Its VM stays, and nothing is reserved for it: it can move at once when the simulator goes on."""
    state = tmp_path / "state.json"
    with Simulator(POOL, now=BEGUN, speed=0.01) as simulator:
        session = XenAPI.Session(simulator.url)
        session.xenapi.login_with_password("root", "simulator")
        vm = next(ref for ref, each in simulator.database.items("VM") if each["name_label"] == "web-000")
        source = simulator.database.get("VM", vm)["resident_on"]
        target = next(ref for ref, _ in simulator.database.items("host") if ref != source)
        session.xenapi.Async.VM.pool_migrate(vm, target, {"live": "true"})
        until = time.monotonic() + 60.0
        while not simulator.database.get("VM", vm)["current_operations"] and time.monotonic() < until:
            time.sleep(0.01)
        keep(simulator, state, "words")
    record = json.loads(state.read_text(encoding="utf-8"))["records"]["VM"][vm]
    assert (record["resident_on"], record["current_operations"]) == (source, {})
    assert record["scheduled_to_be_resident_on"] == "OpaqueRef:NULL"
    assert "pool_migrate" in record["allowed_operations"]


def test_it_shows_the_same_certificate(tmp_path: Path) -> None:
    """Who has pinned it need not pin anew."""
    state = tmp_path / "state.json.gz"
    with Simulator(POOL, now=BEGUN, tls=True) as simulator:
        pinned = simulator.certificate_fingerprint
        keep(simulator, state, "words")
    with again(state, tls=True) as simulator:
        assert simulator.certificate_fingerprint == pinned != ""


def test_a_file_that_is_a_pool_and_no_more_is_refused(tmp_path: Path) -> None:
    """A pool that was saved has no clock; one that was left is a pool, too."""
    save_pool(POOL, tmp_path / "pool.json")
    with pytest.raises(InputError, match="holds no simulated pool that was left"):
        kept_in(tmp_path / "pool.json")
    with Simulator(POOL, now=BEGUN) as simulator:
        keep(simulator, tmp_path / "left.json", "words")
    assert load_pool(tmp_path / "left.json").load == POOL.load
    assert kept_in(tmp_path / "nothing.json") is None


def put(url: str, text: str) -> tuple[int, str]:
    """What the simulator answers to a wish about its clock."""
    answer = httpx.put(f"{url}/simulator/clock", content=text, timeout=30)
    return answer.status_code, answer.text


def test_the_clock_is_set_on_any_host() -> None:
    """Forward, with the new time as the answer; backward and nonsense are refused in words."""
    with Simulator(POOL, now=BEGUN) as simulator:
        last = list(simulator.urls.values())[-1]
        assert put(last, "2026-11-09T22:30") == (200, "2026-11-09T22:30:00Z\n")
        assert put(last, "2026-11-09T22:29")[0] == put(last, "soon")[0] == 400
        assert httpx.get(f"{simulator.url}/simulator/clock", timeout=30).text.startswith("2026-11-09T22:3")


def test_a_pool_to_practise_on_is_restless() -> None:
    """Which host is the busiest differs from day to day, and days of one VM differ by a quarter on average."""
    pool = practice_pool(hosts=4, vms=40, seed=1, days=14)
    days = {uuid: np.array(row, dtype=float).reshape(14, 24).mean(axis=1) for uuid, row in pool.load.items()}
    spread = np.mean([row.std() / row.mean() for row in days.values()])
    assert spread > 0.25
    busiest = set()
    for day in range(14):
        used = {
            ref: sum(
                days[vm["uuid"]][day]
                for vm in pool.records["VM"].values()
                if vm["resident_on"] == ref and vm["uuid"] in days
            )
            for ref in pool.records["host"]
        }
        busiest.add(max(used, key=lambda ref: used[ref]))
    assert len(busiest) > 1

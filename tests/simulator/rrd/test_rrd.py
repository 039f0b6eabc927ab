from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
import XenAPI

from rebalancer.simulator import SimulatedPool, Simulator, generate_pool
from rebalancer.simulator.rrd.archives import best

# The stock client answers with whatever the method answers.
Proxy = Any

Query = Any
NOW = 1_795_000_000.0
WEEK = 7 * 86400


@pytest.fixture
def frozen(small_pool: SimulatedPool) -> Iterator[Simulator]:
    """The small pool at a known time."""
    with Simulator(small_pool, speed=100.0, password="secret", now=NOW) as simulator:
        yield simulator


def parsed(text: str) -> ET.Element:
    """The root element of an answer of the simulator, or of a recording."""
    return ET.fromstring(text)  # noqa: S314 - nobody else wrote it


def get(simulator: Simulator, host: str, path: str = "/rrd_updates", /, **query: Query) -> httpx.Response:
    """Ask a host, logged in by password, for XML unless headers say otherwise."""
    asked = {key: value for key, value in query.items() if key != "headers"}
    headers = query.get("headers", {"Accept": "text/xml"})
    return httpx.get(simulator.urls[host] + path, params=asked, headers=headers, auth=("root", "secret"), timeout=20)


def table(response: httpx.Response) -> tuple[dict[str, int], list[int], dict[str, np.ndarray]]:
    """The meta numbers, the times and the columns of an XML answer."""
    root = parsed(response.text)
    meta = {e.tag: int(e.text or "") for e in root.findall("meta/*") if e.tag != "legend"}
    times = [int(e.text or "") for e in root.findall("data/row/t")]
    rows = np.array([[float(v.text or "") for v in row.findall("v")] for row in root.findall("data/row")])
    return meta, times, {e.text or "": rows[:, n] for n, e in enumerate(root.findall("meta/legend/entry"))}


def first_host(simulator: Simulator) -> tuple[str, str]:
    """Ref and uuid of the coordinator."""
    ref = simulator.world.coordinator
    return ref, simulator.world.uuid("host", ref)


def guests(simulator: Simulator, host: str) -> list[dict[str, Any]]:
    """Records of the VMs on a host, dom0 left out."""
    return [v for _, v in simulator.database.items("VM") if v["resident_on"] == host and not v["is_control_domain"]]


def test_a_week_of_hours_is_the_load_of_the_pool(small_pool: SimulatedPool, frozen: Simulator) -> None:
    """The sum of a VM's cpuN is its load; cpu_avg times pCPUs is the base load plus that of all VMs."""
    ref, uuid = first_host(frozen)
    meta, times, columns = table(get(frozen, uuid, start=int(NOW) - WEEK + 3600, interval=3600, host="true"))
    assert (meta["step"], meta["rows"], meta["columns"]) == (3600, len(times), len(columns))
    assert meta["rows"] == 167
    index = [(t - 1) // 3600 % 168 for t in times]
    total = np.array(small_pool.host_load[uuid], dtype=float)[index]
    for vm in guests(frozen, ref):
        load = np.array(small_pool.load[vm["uuid"]], dtype=float)[index]
        cpus = [columns[f"AVERAGE:vm:{vm['uuid']}:cpu{n}"] for n in range(int(vm["VCPUs_max"]))]
        assert np.allclose(np.sum(cpus, axis=0), load, atol=1e-9)
        assert all((cpu >= 0.0).all() and (cpu <= 1.0).all() for cpu in cpus)
        total = total + load
    cpus_of_host = int(frozen.database.get("host", ref)["cpu_info"]["cpu_count"])
    measured = columns[f"AVERAGE:host:{uuid}:cpu_avg"] * cpus_of_host
    assert np.allclose(measured, np.minimum(total, cpus_of_host), atol=1e-6)


def test_rows_come_newest_first_and_end_at_the_last_whole_step(frozen: Simulator) -> None:
    """Times fall by one step a row; meta.end is the last multiple of the step."""
    _, uuid = first_host(frozen)
    meta, times, _ = table(get(frozen, uuid, start=int(NOW) - 300, interval=60, host="true"))
    assert times == sorted(times, reverse=True)
    assert times[0] == meta["end"] == int(NOW) // 60 * 60
    assert meta["start"] == times[-1]


@pytest.mark.parametrize(
    ("interval", "age", "step"),
    [
        (5, 100, 5),
        (5, 595, 5),
        (5, 700, 60),
        (5, 8000, 3600),
        (60, 100, 60),
        (3600, WEEK - 1, 3600),
        (3600, WEEK + 3600, 86400),
    ],
)
def test_archives_answer_as_rrdd_chooses(interval: int, age: int, step: int) -> None:
    """The first archive that is coarse enough and reaches back far enough answers; the boundary does not count."""
    assert best(interval, NOW - age, NOW).step == step


def test_dom0_and_halted_vms(frozen: Simulator) -> None:
    """A host measures its dom0 like any VM, and only VMs that are on it."""
    ref, uuid = first_host(frozen)
    _, _, columns = table(get(frozen, uuid, start=int(NOW) - 100, interval=5, host="true"))
    owners = {name.split(":")[2] for name in columns if ":vm:" in name}
    dom0 = frozen.world.uuid("VM", frozen.database.get("host", ref)["control_domain"])
    assert owners == {dom0, *(vm["uuid"] for vm in guests(frozen, ref))}


def test_only_hosts_keep_extremes_and_only_in_coarse_archives(frozen: Simulator) -> None:
    """MIN and MAX are there for hosts at 60 s and more, never for VMs; cf= chooses one."""
    _, uuid = first_host(frozen)

    def kinds(**query: str | int) -> set[tuple[str, str]]:
        _, _, columns = table(get(frozen, uuid, host="true", **query))
        return {(name.split(":")[0], name.split(":")[1]) for name in columns}

    fine = {("AVERAGE", "host"), ("AVERAGE", "vm")}
    assert kinds(start=int(NOW) - 100, interval=5) == fine
    assert kinds(start=int(NOW) - 300, interval=60) == fine | {("MIN", "host"), ("MAX", "host")}
    assert kinds(start=int(NOW) - 300, interval=60, cf="AVERAGE") == fine


def test_load_moves_with_the_vm_and_history_does_not(frozen: Simulator, connect: Proxy) -> None:
    """After a move the target answers for the VM with all its past; the hosts' own past stays what it was."""
    ref, uuid = first_host(frozen)
    vm = guests(frozen, ref)[0]
    target = next(h for h, _ in frozen.database.items("host") if h != ref)
    there = frozen.world.uuid("host", target)
    query: dict[str, Any] = {"start": int(NOW) - WEEK + 3600, "interval": 3600, "host": "true", "cf": "AVERAGE"}
    before = {host: table(get(frozen, host, **query))[2] for host in (uuid, there)}
    vm_ref = next(r for r, v in frozen.database.items("VM") if v["uuid"] == vm["uuid"])
    connect(frozen).xenapi.VM.pool_migrate(vm_ref, target, {})
    after = {host: table(get(frozen, host, **query))[2] for host in (uuid, there)}
    name = f"AVERAGE:vm:{vm['uuid']}:cpu0"
    assert name in before[uuid]
    assert name not in after[uuid]
    assert np.array_equal(after[there][name], before[uuid][name])
    for host in (uuid, there):
        assert np.array_equal(after[host][f"AVERAGE:host:{host}:cpu_avg"], before[host][f"AVERAGE:host:{host}:cpu_avg"])


@pytest.mark.parametrize("hours", [7.0, -3.0, 5.5])
def test_a_clock_that_is_off_stamps_the_rows(frozen: Simulator, hours: float) -> None:
    """What happened at noon stands at the time that the host's clock showed at noon, in updates and in whole RRDs."""
    _, uuid = first_host(frozen)
    name, skew = f"AVERAGE:host:{uuid}:cpu_avg", int(hours * 3600)
    query: dict[str, Any] = {"interval": 60, "host": "true", "cf": "AVERAGE"}
    _, times, columns = table(get(frozen, uuid, start=int(NOW) - 3600, **query))
    frozen.faults.add("clock-skew", host=uuid, seconds=skew, times=-1)
    _, stamped, seen = table(get(frozen, uuid, start=int(NOW) - 3600 + skew, **query))
    assert stamped == [time + skew for time in times]
    assert np.array_equal(seen[name], columns[name])
    whole = parsed(get(frozen, uuid, "/host_rrd").text)
    assert int(whole.findtext("lastupdate") or "") == pytest.approx(NOW + skew, abs=60)


def test_a_row_that_spans_two_hours_is_their_mean(small_pool: SimulatedPool, frozen: Simulator) -> None:
    """Half an hour off, an hourly row holds half of either hour."""
    ref, uuid = first_host(frozen)
    frozen.faults.add("clock-skew", host=uuid, seconds=1800, times=-1)
    _, times, columns = table(get(frozen, uuid, start=int(NOW) - 86400, interval=3600, host="true"))
    vm = guests(frozen, ref)[0]
    load = np.array(small_pool.load[vm["uuid"]], dtype=float)
    cpus = [columns[f"AVERAGE:vm:{vm['uuid']}:cpu{n}"] for n in range(int(vm["VCPUs_max"]))]
    last = [(time - 1800 - 1) // 3600 for time in times]
    halves = [(load[hour % len(load)] + load[(hour - 1) % len(load)]) / 2 for hour in last]
    assert np.allclose(np.sum(cpus, axis=0), halves)


def test_json_comes_in_three_generations(small_pool: SimulatedPool) -> None:
    """8.2 sends bare keys, later versions real JSON with strings, with data inside meta until 24.11."""
    texts = {}
    for generation in ("8.2", "1.10", "24.11"):
        with Simulator(small_pool, password="secret", now=NOW, rrd_generation=generation) as simulator:
            _, uuid = first_host(simulator)
            texts[generation] = get(simulator, uuid, start=int(NOW) - 60, json="true", host="true", headers={}).text
            negotiated = get(simulator, uuid, start=int(NOW) - 60, host="true", headers={"Accept": "*/*"})
            assert negotiated.text.startswith("<?xml") == (generation == "8.2")
    with pytest.raises(json.JSONDecodeError):
        json.loads(texts["8.2"])
    assert texts["8.2"].startswith("{meta: {start:")
    nested, flat = json.loads(texts["1.10"]), json.loads(texts["24.11"])
    assert nested["meta"]["data"][0]["t"] == flat["data"][0]["t"]
    assert isinstance(flat["data"][0]["values"][0], str)
    assert flat["meta"]["step"] == "5"


def test_no_start_is_a_bad_request_and_no_password_no_answer(frozen: Simulator) -> None:
    """A request without start gets 400, without credentials 401, with a session's ref 200, with a made-up one 401."""
    _, uuid = first_host(frozen)
    assert get(frozen, uuid).status_code == 400
    url = frozen.urls[uuid] + "/rrd_updates"
    assert httpx.get(url, params={"start": "1"}).status_code == 401
    assert httpx.get(url, params={"start": "1", "session_id": "OpaqueRef:x"}).status_code == 401


@pytest.mark.parametrize("form", ["session_id={}", "a=b; session_id={}", "a=b&session_id={}"])
def test_a_session_may_come_in_a_cookie(frozen: Simulator, form: str) -> None:
    """As XAPI reads it, before the query, in the form of the standard or the one with ampersands."""
    _, uuid = first_host(frozen)
    url, session = f"{frozen.urls[uuid]}/rrd_updates", XenAPI.Session(frozen.url)
    session.xenapi.login_with_password("root", "secret", "1.0", "tests")
    for ref, status in ((session.handle, 200), ("OpaqueRef:x", 401)):
        headers = {"Cookie": form.format(ref)}
        query = {"start": str(int(NOW) - 60), "host": "true", "session_id": session.handle}
        assert httpx.get(url, params=query, headers=headers).status_code == status
        del query["session_id"]
        assert httpx.get(url, params=query, headers=headers).status_code == status


def test_an_empty_question_is_an_error(frozen: Simulator) -> None:
    """Neither VMs nor the host: an HTTP error, as rrdd has nothing to take the times from."""
    _, uuid = first_host(frozen)
    assert get(frozen, uuid, start=int(NOW) - 60, vm_uuid="nobody").status_code == 500


def test_whole_rrds_are_where_the_vm_is(frozen: Simulator) -> None:
    """/vm_rrd answers with four archives where the VM runs, with 302 to there elsewhere; /host_rrd has extremes too."""
    ref, uuid = first_host(frozen)
    vm = guests(frozen, ref)[0]["uuid"]
    root = parsed(get(frozen, uuid, "/vm_rrd", uuid=vm).text)
    assert [int(e.text or "") * 5 for e in root.findall("rra/pdp_per_row")] == [5, 60, 3600, 86400]
    assert [len(e) for e in root.findall("rra/database")] == [120, 120, 168, 366]
    assert len(root.findall("rra/database/row[1]/v")) == 4 * len(root.findall("ds"))
    other = next(u for u in frozen.urls if u != uuid)
    moved = get(frozen, other, "/vm_rrd", uuid=vm)
    assert moved.status_code == 302
    assert moved.headers["location"] == f"{frozen.urls[uuid]}/vm_rrd?uuid={vm}"
    host = parsed(get(frozen, uuid, "/host_rrd").text)
    assert [e.text for e in host.findall("rra/cf")] == ["AVERAGE"] + ["AVERAGE", "MIN", "MAX"] * 3


def test_gaps_are_nan() -> None:
    """A gap in the load is NaN in the answer, not zero."""
    pool = generate_pool(hosts=1, vms=2, seed=1)
    uuid = next(iter(pool.load))
    gap = [None if n % 2 else value for n, value in enumerate(pool.load[uuid])]
    holed = SimulatedPool(records=pool.records, load={**pool.load, uuid: gap}, host_load=pool.host_load)
    with Simulator(holed, password="secret", now=NOW) as simulator:
        answer = get(simulator, next(iter(simulator.urls)), start=int(NOW) - 36000, interval=3600, host="true")
    column = table(answer)[2][f"AVERAGE:vm:{uuid}:cpu0"]
    assert np.isnan(column).sum() == 5
    assert "<v>NaN</v>" in answer.text


def test_sixteen_hosts_answer_at_once() -> None:
    """16 hosts with 250 VMs send a week of hourly rows, asked in parallel."""
    with Simulator(generate_pool(hosts=16, vms=250, seed=1), password="secret", now=NOW) as simulator:

        def ask(host: str) -> int:
            return len(
                get(simulator, host, start=int(NOW) - WEEK + 3600, interval=3600, host="true", cf="AVERAGE").text
            )

        with ThreadPoolExecutor(8) as workers:
            sizes = list(workers.map(ask, simulator.urls))
        assert min(sizes) > 100_000

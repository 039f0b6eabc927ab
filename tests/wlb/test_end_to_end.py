"""The simulated XAPI asks the server, and takes what it says. Tests share a pool, and the later ones change it."""

from __future__ import annotations

import gzip
import json
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import XenAPI

from rebalancer.simulator import Simulator
from rebalancer.simulator.balancing import reading
from rebalancer.simulator.balancing.asking import content_of
from rebalancer.wlb.app import PATH
from rebalancer.wlb.protocol.calls import FIELDS
from rebalancer.wlb.reports.reports import REPORTS
from tests.wlb.conftest import Running, wait_for

GOOD = ("wlbuser", "wlbpass")
ADD = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><AddXenServer><request><Password></Password>'
    "<PoolUuid></PoolUuid><UserName></UserName><XenServerUrl></XenServerUrl></request></AddXenServer></s:Body></s:Envelope>"
)
# The stock client answers with whatever the method answers.
Proxy = Any


def guest_on(pool: Proxy, host: str | None = None) -> str:
    """A guest that runs, on a host if one is named."""
    guests = {ref: vm for ref, vm in pool.VM.get_all_records().items() if not vm["is_control_domain"]}
    running = {ref: vm["resident_on"] for ref, vm in guests.items() if vm["power_state"] == "Running"}
    return next(str(ref) for ref, where in running.items() if host in {None, where})


def test_stars_for_a_guest_that_runs(pool: Proxy) -> None:
    """Every host has stars, not all as many, and none more than five."""
    found = pool.VM.retrieve_wlb_recommendations(guest_on(pool))
    assert found.keys() == set(pool.host.get_all())
    assert all(0.0 < float(stars) <= 5.0 for _, stars, *_ in found.values())
    assert len({stars for _, stars, *_ in found.values()}) > 1


def test_emptying_a_host(pool: Proxy, server: Running) -> None:
    """All guests of a host go to others, once that is solved, too."""
    (watch,) = server.service.watches.values()
    wait_for(lambda: watch.view is not None and not watch.evacuations.wanting(watch.view, watch.view.seen_at), server)
    assert any("with VMs, evacuations of" in words for words in server.service.diagnostics())
    host, record = next(iter(pool.host.get_all_records().items()))
    guests = {vm for vm in record["resident_VMs"] if not pool.VM.get_is_control_domain(vm)}
    found = pool.host.retrieve_wlb_evacuate_recommendations(host)
    assert found.keys() == guests
    assert all(said[0] == "WLB" and said[1] != record["uuid"] for said in found.values())


def test_configuration_is_kept(pool: Proxy, server: Running) -> None:
    """What our policy knows changes its plans; everything else comes back as it went in."""
    shown = pool.pool.retrieve_wlb_configuration()
    assert (shown["OptimizationMode"], shown["HostCpuThresholdCritical"]) == ("0", "0.7")
    pool.pool.send_wlb_configuration({"HostCpuThresholdCritical": "0.6", "Colour": "blue & green"})
    shown = pool.pool.retrieve_wlb_configuration()
    assert (shown["HostCpuThresholdCritical"], shown["Colour"]) == ("0.6", "blue & green")
    (watch,) = server.service.watches.values()
    assert watch.source.policy.objective.threshold == 0.6
    wait_for(lambda: watch.view is not None and watch.view.load is not None and watch.plan is not None, server)


REFUSED: list[dict[str, str]] = [
    {"AutoBalanceEnabled": "true"},
    {"PowerManagementEnabled": "True"},
    {"OptimizationMode": "7"},
    *({"HostCpuThresholdCritical": text} for text in ("0", "101", "nan", "much")),
    {"x" * 2000: "y"},
]


def test_configuration_that_cannot_be_is_refused(pool: Proxy) -> None:
    """What this server never does, and values that are none, are refused in words, and nothing changes."""
    before = pool.pool.retrieve_wlb_configuration()
    for sent in REFUSED:
        with pytest.raises(XenAPI.Failure) as refused:
            pool.pool.send_wlb_configuration(sent)
        assert refused.value.details[:2] == ["WLB_INTERNAL_ERROR", "Exception:"]
    assert pool.pool.retrieve_wlb_configuration() == before


def test_recommendations_of_a_pool_end(pool: Proxy, server: Running) -> None:
    """The plan comes as moves under one number; carried out in any order, there is nothing left to move."""
    (watch,) = server.service.watches.values()
    for _ in range(10):
        moves = pool.pool.retrieve_wlb_recommendations()
        assert moves == pool.pool.retrieve_wlb_recommendations()
        if not moves:
            break
        assert len({said[2] for said in moves.values()}) == 1
        before = watch.plan
        for vm, (_, target, *_) in sorted(moves.items()):
            pool.VM.pool_migrate(vm, pool.host.get_by_uuid(target), {"live": "true"})
        wait_for(lambda plan=before: watch.plan is not None and watch.plan is not plan, server)  # type: ignore[misc]
    assert moves == {}


def test_xapi_asks_by_itself(pool: Proxy, server: Running) -> None:
    """XAPI empties a host as this server says, and starts a guest where it gives most stars; it has no complaint."""
    every = {ref: pool.host.retrieve_wlb_evacuate_recommendations(ref) for ref in pool.host.get_all()}
    host, advised = next(
        (ref, said) for ref, said in every.items() if said and {each[0] for each in said.values()} == {"WLB"}
    )
    pool.host.evacuate(host)
    assert {vm: pool.host.get_uuid(pool.VM.get_resident_on(vm)) for vm in advised} == {
        vm: target for vm, (_, target) in advised.items()
    }
    guests = {ref: each for ref, each in pool.VM.get_all_records().items() if not each["is_control_domain"]}
    vm = min(guests, key=lambda ref: (guests[ref]["power_state"] != "Running", int(guests[ref]["VCPUs_max"]), ref))
    uuid = pool.VM.get_uuid(vm)
    pool.VM.hard_shutdown(vm)
    (watch,) = server.service.watches.values()
    wait_for(lambda: watch.view is not None and uuid not in watch.view.problem.initial.host_of, server)
    stars = {ref: float(said[1]) for ref, said in pool.VM.retrieve_wlb_recommendations(vm).items()}
    pool.VM.start(vm, False, False)
    assert stars[pool.VM.get_resident_on(vm)] == max(stars.values())
    said = pool.message.get_since("19700101T00:00:00Z").values()
    assert not [each for each in said if each["name"] == "WLB_CONSULTATION_FAILED"]


def test_stars_for_a_guest_that_is_halted(simulator: Simulator, pool: Proxy, server: Running) -> None:
    """A guest that was shut down has stars where it may start, none on a disabled host, and the reason."""
    coordinator = simulator.world.coordinator
    host = next(ref for ref in pool.host.get_all() if ref != coordinator)
    vm, uuid = guest_on(pool, coordinator), pool.host.get_uuid(host)
    pool.VM.hard_shutdown(vm)
    simulator.database.change("host", host, enabled=False)
    (watch,) = server.service.watches.values()
    wait_for(lambda: watch.view is not None and not watch.view.problem.pool.hosts[uuid].enabled, server)
    found = pool.VM.retrieve_wlb_recommendations(vm)
    assert found.pop(host)[:2] == ["WLB", "0.0"]
    assert all(float(stars) > 0.0 for _, stars, *_ in found.values())


def test_a_guest_that_is_new(simulator: Simulator, pool: Proxy) -> None:
    """A guest that the server has not heard of is looked up, and has stars."""
    vm = guest_on(pool)
    record = simulator.database.get("VM", vm)
    new = {**record, "uuid": "00000000-0000-4000-8000-00000000beef", "power_state": "Halted", "VBDs": [], "VIFs": []}
    empty = {"resident_on": "OpaqueRef:NULL", "domid": "-1", "name_label": "newcomer"}
    ref = simulator.database.add("VM", {**new, **empty})
    found = pool.VM.retrieve_wlb_recommendations(ref)
    assert any(float(stars) > 0.0 for _, stars, *_ in found.values())


def asked_for(server: Running, name: str, **parms: str) -> str:
    """What comes back where XAPI asks for a report."""
    pairs = "".join(
        f"<P><ParameterName>{key}</ParameterName><ParameterValue>{value}</ParameterValue></P>"
        for key, value in parms.items()
    )
    inside = f"<ExecuteReport><request><ReportName>{name}</ReportName><ReportParms>{pairs}</ReportParms></request>"
    body = f'<e:Envelope xmlns:e="x"><e:Body>{inside}</ExecuteReport></e:Body></e:Envelope>'
    return httpx.post(f"http://{server.url}{PATH}", content=body, auth=GOOD, timeout=20).text


def test_reports_are_made(pool: Proxy, server: Running) -> None:
    """XenCenter asks for layouts first, and gets none; then for reports of this pool; others are refused in words."""
    (record,) = pool.pool.get_all_records().values()
    method, about = "ExecuteReport", {"PoolID": record["uuid"], "Start": "-1", "End": "1"}
    assert reading.result_in(method, asked_for(server, "get_report_definitions").encode()).inside[0].text == ""
    for name in REPORTS:
        content = asked_for(server, name, **about, HostID=pool.host.get_uuid(record["master"]))
        assert "<NewDataSet><xs:schema" in reading.result_in(method, content.encode()).inside[0].text
    refused = {"pool_audit_history": about, "pool_health": {"PoolID": "other"}, "host_health_history": about}
    for name, parms in refused.items():
        assert "<s:Fault>" in asked_for(server, name, **parms)


def test_diagnostics_tell_no_secrets(pool: Proxy, server: Running) -> None:
    """How pools stand is told, and not how to get in."""
    (record,) = pool.pool.get_all_records().values()
    text = "\n".join(server.service.diagnostics())
    assert record["uuid"] in text
    assert "secret" not in text


def ours(body: str, pool: Proxy, simulator: Simulator) -> str:
    """A recorded call, about things of our pool."""
    (record,) = pool.pool.get_all_records().values()
    names = {
        "PoolUuid": record["uuid"],
        "VmUuid": pool.VM.get_uuid(guest_on(pool)),
        "HostUuid": pool.host.get_uuid(record["master"]),
        "XenServerUrl": f"{simulator.url}/",
        "UserName": "root",
        "Password": "secret",
    }
    for name, text in names.items():
        body = re.sub(f"<{name}>[^<]*</{name}>", f"<{name}>{text}</{name}>", body)
    named = "<ParameterName>PoolID</ParameterName><ParameterValue>"
    return re.sub(f"{named}[^<]*<", f"{named}{record['uuid']}<", body)


def taken(method: str, content: bytes, hosts: int) -> None:
    """Pass where XAPI takes an answer."""
    result = reading.result_in(method, content)
    readers: dict[str, Callable[[], object]] = {
        "AddXenServer": lambda: reading.identity(method, result),
        "SetXenPoolConfiguration": lambda: reading.blank(method, result),
        "RemoveXenServer": lambda: reading.blank(method, result),
        "GetXenPoolConfiguration": lambda: reading.pairs(method, result),
        "VMGetRecommendations": lambda: reading.placements(method, result, hosts),
        "GetOptimizationRecommendations": lambda: reading.optimisation(method, result),
        "HostGetRecommendations": lambda: list(reading.evacuation(method, result)),
        "ExecuteReport": lambda: reading.descend(result, "XmlDataSet"),
        "GetDiagnostics": lambda: reading.descend(result, "DiagnosticData"),
    }
    readers[method]()


REFUSED_IN_WORDS = (b"AutoBalanceEnabled cannot be switched on here",)
"""What this server says to recorded calls for things that it does not do."""
ENDS = {"AddXenServer", "RemoveXenServer"}


def recorded_calls(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Method, head and body of all calls, those that connect or disconnect a pool once."""
    seen = set[str]()
    for path in sorted(folder.glob("*.json.gz")):
        document = json.loads(gzip.decompress(path.read_bytes()))
        for sent in (sent for exchange in document["exchanges"] for sent in exchange.get("sent", [])):
            method = sent["head"].partition("IWorkloadBalance/")[2].partition('"')[0]
            if method not in seen & ENDS:
                seen.add(method)
                yield method, sent["head"], sent["body"]
    assert seen == FIELDS.keys()


def test_every_recorded_call_is_answered(
    simulator: Simulator, pool: Proxy, server: Running, shared_data: Callable[[str], Path]
) -> None:
    """Head and body as XAPI's own code sent them: XAPI takes what comes back, or is told in words what is not done."""
    hosts, refused = len(pool.host.get_all()), set[bytes]()
    for method, head, recorded in recorded_calls(shared_data("wlb-wire")):
        body = ours(recorded, pool, simulator).encode()
        length = re.sub(r"content-length: \d+", f"content-length: {len(body)}", head)
        content = content_of(said(server.url, f"{length}\r\n\r\n".encode() + body))
        if words := next((words for words in REFUSED_IN_WORDS if words in content), b""):
            refused.add(words)
        else:
            taken(method, content, hosts)
        if method in ENDS:
            again = ours(ADD, pool, simulator)
            httpx.post(f"http://{server.url}{PATH}", content=again, auth=GOOD, timeout=20)
            (watch,) = server.service.watches.values()
            wait_for(lambda one=watch: one.view is not None and one.plan is not None, server)  # type: ignore[misc]
    assert refused == set(REFUSED_IN_WORDS)


def said(address: str, request: bytes) -> bytes:
    """The raw answer to a raw request."""
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


def test_a_pool_that_leaves_is_forgotten(pool: Proxy, server: Running) -> None:
    """After deconfiguring nothing of the pool is left here, and it cannot ask."""
    pool.pool.deconfigure_wlb()
    assert server.service.watches == {}
    with pytest.raises(XenAPI.Failure, match="WLB_NOT_INITIALIZED"):
        pool.pool.retrieve_wlb_configuration()

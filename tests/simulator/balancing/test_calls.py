"""Calls about Workload Balancing: what is refused before the server is asked, and what its answers become."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import XenAPI

from rebalancer.simulator import Simulator
from tests.simulator.balancing.stub import Stub, envelope

# The stock client answers with whatever the method answers.
Proxy = Any
NOBODY = "11111111-2222-3333-4444-555555555555"


def refused(call: Any, *arguments: object) -> list[str]:  # noqa: ANN401 - a method of the stock client
    """What XAPI refuses a call with."""
    with pytest.raises(XenAPI.Failure) as found:
        call(*arguments)
    return list(found.value.details)


def stars(hosts: list[str], value: str = "4.5", reason: str = "None") -> bytes:
    """An answer about a VM on hosts, all alike."""
    rows = "".join(
        f"<P><HostUuid>{host}</HostUuid><RecommendationId>7</RecommendationId><Stars>{value}</Stars>"
        f"<ZeroScoreReason>{reason}</ZeroScoreReason></P>"
        for host in hosts
    )
    return envelope("VMGetRecommendations", f"<Recommendations>{rows}</Recommendations>")


def uuids(xapi: Proxy) -> list[str]:
    """The uuids of the hosts."""
    return [str(each["uuid"]) for each in xapi.host.get_all_records().values()]


def guest(xapi: Proxy) -> str:
    """A guest that runs."""
    records = xapi.VM.get_all_records().items()
    return next(str(ref) for ref, vm in records if vm["power_state"] == "Running" and not vm["is_control_domain"])


def test_nothing_is_asked_before_initialisation(xapi: Proxy) -> None:
    """Every call but the first is refused, and the switch is none."""
    assert refused(xapi.VM.retrieve_wlb_recommendations, guest(xapi)) == ["WLB_NOT_INITIALIZED"]
    assert refused(xapi.pool.retrieve_wlb_configuration) == ["WLB_NOT_INITIALIZED"]
    assert refused(xapi.pool.deconfigure_wlb) == ["WLB_NOT_INITIALIZED"]
    (ref,) = xapi.pool.get_all()
    xapi.pool.set_wlb_enabled(ref, True)
    assert xapi.pool.get_wlb_enabled(ref) is True


@pytest.mark.parametrize("url", ["127.0.0.1", "http://127.0.0.1:18012"])
def test_an_address_has_a_port_and_no_scheme(xapi: Proxy, url: str) -> None:
    """XAPI wants host:port."""
    assert refused(xapi.pool.initialize_wlb, url, "u", "p", "root", "x") == ["WLB_URL_INVALID", url]


def test_nobody_listens(xapi: Proxy) -> None:
    """A closed port is refused, and nothing is noted."""
    assert refused(xapi.pool.initialize_wlb, "127.0.0.1:1", "u", "p", "root", "x") == ["WLB_CONNECTION_REFUSED"]
    (record,) = xapi.pool.get_all_records().values()
    assert (record["wlb_url"], record["wlb_enabled"]) == ("", False)


def test_the_licence_is_asked_first(simulator: Simulator, xapi: Proxy) -> None:
    """A pool whose edition holds Workload Balancing back asks nobody."""
    (ref,) = xapi.pool.get_all()
    record = simulator.database.get("pool", ref)
    simulator.database.change("pool", ref, restrictions={**record["restrictions"], "restrict_wlb": "true"})
    assert refused(xapi.pool.initialize_wlb, "127.0.0.1:1", "u", "p", "root", "x") == ["LICENCE_RESTRICTION", "WLB"]


def test_a_pool_is_connected_and_disconnected(pool: Proxy, server: Stub) -> None:
    """The pool's fields follow; what the server says to the end does not matter."""
    (ref,) = pool.pool.get_all()
    assert (pool.pool.get_wlb_url(ref), pool.pool.get_wlb_username(ref)) == (server.url, "wlbuser")
    assert "<Password>xs&amp;pass&lt;1&gt;</Password>" in server.asked[0]
    server.says = b"HTTP/1.1 500 No\r\n\r\n"
    pool.pool.deconfigure_wlb()
    assert (pool.pool.get_wlb_url(ref), pool.pool.get_wlb_enabled(ref)) == ("", False)


def test_stars_are_for_every_live_host(pool: Proxy, server: Stub) -> None:
    """Each host once; another one, or one twice, is refused."""
    hosts, vm = uuids(pool), guest(pool)
    server.says = stars(hosts)
    assert set(map(tuple, pool.VM.retrieve_wlb_recommendations(vm).values())) == {("WLB", "4.5", "7")}
    server.says = stars(hosts[:-1])
    assert refused(pool.VM.retrieve_wlb_recommendations, vm)[2].startswith("List of returned")
    server.says = stars([*hosts[:-1], hosts[0]])
    assert "only target live hosts" in refused(pool.VM.retrieve_wlb_recommendations, vm)[2]
    server.says = stars([*hosts[:-1], NOBODY])
    assert refused(pool.VM.retrieve_wlb_recommendations, vm)[2] == "Invalid VM or host UUID"


def test_xapi_overwrites_stars(simulator: Simulator, pool: Proxy, server: Stub) -> None:
    """A host that cannot start the VM has no stars, whatever the server says."""
    host, *_ = [ref for ref in pool.host.get_all() if ref != simulator.world.coordinator]
    simulator.database.change("host", host, enabled=False)
    vm = next(
        ref
        for ref, each in pool.VM.get_all_records().items()
        if each["resident_on"] not in {host, "OpaqueRef:NULL"} and not each["is_control_domain"]
    )
    server.says = stars(uuids(pool))
    assert pool.VM.retrieve_wlb_recommendations(vm)[host] == ["WLB", "0.0", "7", f"HOST_DISABLED;{host}"]


def test_a_switched_off_server_is_not_asked(pool: Proxy) -> None:
    """Recommendations need wlb_enabled."""
    (ref,) = pool.pool.get_all()
    pool.pool.set_wlb_enabled(ref, False)
    assert refused(pool.pool.retrieve_wlb_recommendations) == ["WLB_DISABLED"]


def test_moves_of_a_pool(pool: Proxy, server: Stub) -> None:
    """A move is named by its VM, advice about a host by its control domain; an unknown VM is refused."""
    vm, (host, other, *_) = guest(pool), uuids(pool)
    row = (
        "<R><MoveFromHostUuid>{}</MoveFromHostUuid><MoveToHostUuid>{}</MoveToHostUuid><Reason>Cpu</Reason>"
        "<RecommendationId>11</RecommendationId><VmToMoveUuid>{}</VmToMoveUuid></R>"
    )

    def say(uuid: str) -> None:
        inside = row.format(host, other, uuid)
        text = f"<OptimizationId>3</OptimizationId><Recommendations>{inside}</Recommendations>"
        server.says = envelope("GetOptimizationRecommendations", text)

    say(pool.VM.get_uuid(vm))
    assert pool.pool.retrieve_wlb_recommendations() == {vm: ["WLB", other, "3", "11", "Cpu"]}
    say("")
    (found,) = pool.pool.retrieve_wlb_recommendations()
    assert pool.VM.get_is_control_domain(found)
    say(NOBODY)
    assert refused(pool.pool.retrieve_wlb_recommendations)[2] == "Invalid VM or host UUID"


def test_emptying_a_host(pool: Proxy, server: Stub) -> None:
    """Who is left out lacks memory, XAPI says; a move to the host itself is refused."""
    ref, record = next(iter(pool.host.get_all_records().items()))
    vms = [vm for vm in record["resident_VMs"] if not pool.VM.get_is_control_domain(vm)]
    target = next(uuid for uuid in uuids(pool) if uuid != record["uuid"])
    method, row = (
        "HostGetRecommendations",
        ("<R><HostUuid>{}</HostUuid><RecommendationId>1</RecommendationId><VmUuid>{}</VmUuid></R>"),
    )
    server.says = envelope(method, f"<Recommendations>{row.format(target, pool.VM.get_uuid(vms[0]))}</Recommendations>")
    found = pool.host.retrieve_wlb_evacuate_recommendations(ref)
    assert found.pop(vms[0]) == ["WLB", target]
    assert found == {vm: ["HOST_NOT_ENOUGH_FREE_MEMORY", vm] for vm in vms[1:]}
    server.says = envelope(
        method, f"<Recommendations>{row.format(record['uuid'], pool.VM.get_uuid(vms[0]))}</Recommendations>"
    )
    assert "to the same server" in refused(pool.host.retrieve_wlb_evacuate_recommendations, ref)[1]


def test_silence_ends(simulator: Simulator, pool: Proxy) -> None:
    """XAPI waits as long as other_config:wlb_timeout says."""
    (ref,) = pool.pool.get_all()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"127.0.0.1:{silent.getsockname()[1]}"
        simulator.database.change("pool", ref, other_config={"wlb_timeout": "0.2"}, wlb_url=url)
        assert refused(pool.pool.retrieve_wlb_configuration) == ["WLB_TIMEOUT", "0.2."]

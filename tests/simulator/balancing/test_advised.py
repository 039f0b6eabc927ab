"""XAPI asks the server by itself where a VM starts and where the VMs of a host go, and does without where it must."""

from __future__ import annotations

import time
from typing import Any

import pytest
import XenAPI

from rebalancer.simulator import Simulator
from tests.simulator.balancing.stub import Stub, envelope

# The stock client answers with whatever the method answers.
Proxy = Any
EPOCH = "19700101T00:00:00Z"


def stars(given: dict[str, float]) -> bytes:
    """An answer that gives hosts stars, and a reason where that is none."""
    rows = "".join(
        f"<P><HostUuid>{host}</HostUuid><RecommendationId>{number}</RecommendationId><Stars>{each}</Stars>"
        f"<ZeroScoreReason>{'None' if each else 'full'}</ZeroScoreReason></P>"
        for number, (host, each) in enumerate(given.items(), start=1)
    )
    return envelope("VMGetRecommendations", f"<Recommendations>{rows}</Recommendations>")


def away(moves: dict[str, str]) -> bytes:
    """An answer that sends VMs to hosts."""
    rows = "".join(
        f"<R><HostUuid>{to}</HostUuid><RecommendationId>1</RecommendationId><VmUuid>{vm}</VmUuid></R>"
        for vm, to in moves.items()
    )
    return envelope("HostGetRecommendations", f"<Recommendations>{rows}</Recommendations>")


def guests_on(pool: Proxy, host: str) -> list[str]:
    """The guests that run on a host."""
    return [vm for vm in pool.host.get_resident_VMs(host) if not pool.VM.get_is_control_domain(vm)]


@pytest.fixture
def halted(pool: Proxy) -> str:
    """A guest that does not run."""
    vm = guests_on(pool, next(host for host in pool.host.get_all() if guests_on(pool, host)))[0]
    pool.VM.hard_shutdown(vm)
    return vm


def messages(pool: Proxy) -> list[str]:
    """What was left about asking in vain."""
    said = pool.message.get_since(EPOCH).values()
    return [str(each["body"]) for each in said if each["name"] == "WLB_CONSULTATION_FAILED"]


@pytest.mark.parametrize("place", range(3))
def test_a_guest_starts_where_most_stars_are(pool: Proxy, server: Stub, halted: str, place: int) -> None:
    """Whatever host that is; the task of the call keeps which advice was followed."""
    hosts = pool.host.get_all_records()
    best = list(hosts)[place]
    server.says = stars({record["uuid"]: 4.5 if ref == best else 2.0 for ref, record in hosts.items()})
    task = pool.Async.VM.start(halted, False, False)
    while pool.task.get_status(task) == "pending":
        time.sleep(0.01)
    assert pool.VM.get_resident_on(halted) == best
    told = pool.task.get_other_config(task)
    assert (told["wlb_advised"], told["wlb_action_obj_ref"]) == (str(place + 1), halted)
    assert messages(pool) == []


@pytest.mark.parametrize(
    "said",
    [b"HTTP/1.1 500 No\r\n\r\n", stars({}), envelope("VMGetRecommendations", "<ResultCode>1</ResultCode>")],
    ids=["down", "no host", "a code"],
)
def test_a_guest_starts_without_advice(pool: Proxy, server: Stub, halted: str, said: bytes) -> None:
    """An answer that XAPI does not take leaves a message about the guest, and XAPI chooses."""
    server.says = said
    pool.VM.start(halted, False, False)
    assert pool.VM.get_power_state(halted) == "Running"
    (body,) = messages(pool)
    assert pool.VM.get_name_label(halted) in body


def test_a_guest_starts_where_no_host_has_stars(pool: Proxy, server: Stub, halted: str) -> None:
    """That is an answer, and no failure: XAPI chooses by itself."""
    server.says = stars({record["uuid"]: 0.0 for record in pool.host.get_all_records().values()})
    pool.VM.start(halted, False, False)
    assert pool.VM.get_power_state(halted) == "Running"
    assert messages(pool) == []


def test_nobody_is_asked_where_that_is_switched_off(
    simulator: Simulator, pool: Proxy, server: Stub, halted: str
) -> None:
    """`other_config:wlb_choose_host_disable` keeps starts and evacuations to XAPI; so does a server that is off."""
    (ref,) = pool.pool.get_all()
    asked = len(server.asked)
    simulator.database.change("pool", ref, other_config={"wlb_choose_host_disable": "True"})
    pool.VM.start(halted, False, False)
    pool.VM.hard_shutdown(halted)
    simulator.database.change("pool", ref, other_config={}, wlb_enabled=False)
    pool.VM.start(halted, False, False)
    assert len(server.asked) == asked


def test_a_host_is_emptied_as_the_server_says(pool: Proxy, server: Stub) -> None:
    """Every guest goes where it is sent."""
    first, second, third = pool.host.get_all()
    guests = guests_on(pool, first)
    wanted = {vm: (second, third)[number % 2] for number, vm in enumerate(guests)}
    server.says = away({pool.VM.get_uuid(vm): pool.host.get_uuid(to) for vm, to in wanted.items()})
    pool.host.evacuate(first)
    assert {vm: pool.VM.get_resident_on(vm) for vm in guests} == wanted


def test_a_guest_that_is_left_out_stops_an_evacuation(pool: Proxy, server: Stub) -> None:
    """It lacks memory, says XAPI, and nobody moves."""
    first, second, _ = pool.host.get_all()
    *sent, left = guests_on(pool, first)
    server.says = away({pool.VM.get_uuid(vm): pool.host.get_uuid(second) for vm in sent})
    with pytest.raises(XenAPI.Failure) as refused:
        pool.host.evacuate(first)
    assert refused.value.details == ["HOST_NOT_ENOUGH_FREE_MEMORY", left]
    assert guests_on(pool, first) == [*sent, left]


def test_a_host_is_emptied_without_advice(pool: Proxy, server: Stub) -> None:
    """A server that is down leaves a message about the host, and XAPI's own plan is carried out."""
    first, *_ = pool.host.get_all()
    server.says = b"HTTP/1.1 500 No\r\n\r\n"
    pool.host.evacuate(first)
    assert guests_on(pool, first) == []
    (body,) = messages(pool)
    assert pool.host.get_name_label(first) in body

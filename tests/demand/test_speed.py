"""Demand in pCPUs of one speed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rebalancer.demand import LoadProfile, at_speed
from rebalancer.inventory import Host, Pool
from tests.pools import CPU_INFO, make_host, make_pool, make_vm
from tests.solve.tiny import make_demand


def host_at(name: str, speed: str) -> Host:
    """A host whose `cpu_info` says this speed."""
    return make_host(name, cpu_info={**CPU_INFO, "speed": speed})


@pytest.fixture
def pool() -> Pool:
    """`quick` on a host at 3,000 MHz, `slow` on one at 2,000; one that does not say its speed has `nobody`."""
    hosts = [host_at("h1", "3000.000"), host_at("h2", "2000.000"), host_at("h3", "")]
    return make_pool(hosts=hosts, vms=[make_vm("quick", on="h1"), make_vm("slow", on="h2"), make_vm("nobody", on="h3")])


@pytest.fixture
def measured(pool: Pool) -> LoadProfile:
    """Each VM uses one pCPU and peaks two higher, each host half a pCPU for itself."""
    profile = make_demand(pool, dict.fromkeys(pool.vms, (1.0,) * 4), base=0.5)
    return replace(profile, vm_deviation_pcpu=np.full_like(profile.vm_pcpu, 2.0))


def of(profile: LoadProfile) -> dict[str, tuple[float, float]]:
    """What each VM uses and peaks."""
    assert profile.vm_deviation_pcpu is not None
    return {vm: (profile.vm_pcpu[row, 0], profile.vm_deviation_pcpu[row, 0]) for row, vm in enumerate(profile.vms)}


def test_what_a_slow_host_does_is_worth_less(pool: Pool, measured: LoadProfile) -> None:
    """In pCPUs of 2,400 MHz, one of 3,000 is 1.25 and one of 2,000 is 0.833; one of unknown speed counts as it is."""
    found = at_speed(measured, pool, 2400)
    assert of(found)["quick"] == pytest.approx((1.25, 2.5))
    assert of(found)["slow"] == pytest.approx((2000 / 2400, 4000 / 2400))
    assert of(found)["nobody"] == (1.0, 2.0)
    assert found.host_base_pcpu[:, 0] == pytest.approx([0.625, 0.5 * 2000 / 2400, 0.5])
    assert found.reference_mhz == 2400


def test_from_one_speed_to_another_and_back(pool: Pool, measured: LoadProfile) -> None:
    """A profile knows its speed: nothing is scaled twice."""
    there = at_speed(measured, pool, 2400)
    assert at_speed(there, pool, 2400) is there
    further = at_speed(there, pool, 3000)
    assert of(further)["quick"] == pytest.approx((1.0, 2.0))
    back = at_speed(further, pool, None)
    assert back.vm_pcpu == pytest.approx(measured.vm_pcpu)
    assert back.host_base_pcpu == pytest.approx(measured.host_base_pcpu)
    assert at_speed(measured, pool, None) is measured


@pytest.mark.parametrize(
    ("said", "mhz"),
    [("2394.376", 2394.376), ("", None), ("fast", None), ("nan", None), ("inf", None), ("2.4", None), ("-2400", None)],
)
def test_a_speed_is_a_number_of_mhz(said: str, mhz: float | None) -> None:
    """What no CPU runs at is not said at all."""
    assert make_host("h1", cpu_info={**CPU_INFO, "speed": said}).mhz == mhz
    assert make_host("h1", cpu_info={key: CPU_INFO[key] for key in CPU_INFO if key != "speed"}).mhz is None

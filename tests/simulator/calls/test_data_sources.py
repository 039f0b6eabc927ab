from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
import XenAPI

from rebalancer.simulator import Simulator

# The stock client answers with whatever the method answers.
Proxy = Any
OF_HOSTS = r"cpu\d+|cpu_avg|loadavg|hostload|memory_(free|total)_kib|running_domains|pif_(eth\d|aggr)_[rt]x"
OF_STORAGE = r"(iops|io_throughput)_(read|write|total)_[0-9a-f]{8}|(read|write)_latency_[0-9a-f]{8}|iowait_[0-9a-f]{8}"
OF_VMS = r"cpu\d+|cpu_usage|memory|memory_target|memory_internal_free|vif_0_[rt]x|vbd_xvda_\w+"


def a_guest(simulator: Simulator) -> str:
    """A running VM that is no control domain."""
    return next(
        ref
        for ref, vm in simulator.database.items("VM")
        if vm["power_state"] == "Running" and not vm["is_control_domain"]
    )


def columns(simulator: Simulator, host: str) -> dict[str, float]:
    """{owner:uuid:source: newest value} of a host and its VMs."""
    url = f"{simulator.world.url(host)}/rrd_updates?start=-30&host=true&cf=AVERAGE&json=true"
    answer = httpx.get(url, auth=("root", "secret")).json()
    newest = answer["data"][0]["values"]
    legend = (name.partition(":")[2] for name in answer["meta"]["legend"])
    return dict(zip(legend, map(float, newest), strict=True))


def test_what_is_recorded_of_hosts_and_vms(simulator: Simulator, xapi: Proxy) -> None:
    """Cards, SRs, CPUs and memory; nothing that has to be asked for first."""
    host = simulator.world.coordinator
    found = columns(simulator, host)
    names = {owner: {n.split(":")[2] for n in found if n.startswith(owner)} for owner in ("host", "vm")}
    assert all(re.fullmatch(f"{OF_HOSTS}|{OF_STORAGE}", name) for name in names["host"])
    assert {"pif_eth0_rx", "pif_eth1_tx", "pif_aggr_rx"} <= names["host"]
    assert any(name.startswith("iops_total_") for name in names["host"])
    assert all(re.fullmatch(OF_VMS, name) for name in names["vm"])
    assert "memory_internal_free" in names["vm"]
    enabled = {each["name_label"] for each in xapi.host.get_data_sources(host) if each["enabled"]}
    assert enabled == names["host"]


def test_numbers_of_one_host_agree(simulator: Simulator) -> None:
    """Cards add up to the aggregate, reads and writes to the total, whatever is looked at."""
    host = simulator.world.coordinator
    found = {name.split(":")[2]: value for name, value in columns(simulator, host).items() if name.startswith("host")}
    assert found["pif_eth0_rx"] + found["pif_eth1_rx"] == pytest.approx(found["pif_aggr_rx"])
    for name in [name for name in found if name.startswith("iops_total_")]:
        sr = name.rpartition("_")[2]
        assert found[f"iops_read_{sr}"] + found[f"iops_write_{sr}"] == pytest.approx(found[name])


def test_states_of_vcpus_are_recorded_when_asked_for(simulator: Simulator, xapi: Proxy) -> None:
    """runstate_* are there and disabled; recorded, they come with the metrics, together 1; forgotten sources go."""
    vm = a_guest(simulator)
    uuid, host = simulator.world.uuid("VM", vm), xapi.VM.get_resident_on(vm)
    sources = {each["name_label"]: each for each in xapi.VM.get_data_sources(vm)}
    states = [name for name in sources if name.startswith("runstate_")]
    assert len(states) == 6
    assert not any(sources[name]["enabled"] or sources[name]["standard"] for name in states)
    with pytest.raises(XenAPI.Failure, match="INTERNAL_ERROR"):
        xapi.VM.query_data_source(vm, states[0])
    for name in states:
        xapi.VM.record_data_source(vm, name)
    found = columns(simulator, host)
    assert sum(found[f"vm:{uuid}:{name}"] for name in states) == pytest.approx(1.0)
    assert sum(xapi.VM.query_data_source(vm, name) for name in states) == pytest.approx(1.0)
    xapi.VM.forget_data_source_archives(vm, "cpu0")
    assert f"vm:{uuid}:cpu0" not in columns(simulator, host)


def test_single_values_of_hosts(simulator: Simulator, xapi: Proxy) -> None:
    """query_data_source is the newest value; a source that there is not is an error, to record it too."""
    host = simulator.world.coordinator
    assert 0.0 < xapi.host.query_data_source(host, "cpu_avg") <= 1.0
    source = next(each for each in xapi.host.get_data_sources(host) if each["name_label"] == "cpu_avg")
    assert (source["units"], source["min"], source["max"], source["standard"]) == ("(fraction)", 0.0, 1.0, True)
    for call in (xapi.host.query_data_source, xapi.host.record_data_source):
        with pytest.raises(XenAPI.Failure, match="INTERNAL_ERROR"):
            call(host, "nothing")


def test_a_vm_that_does_not_run_has_no_sources(simulator: Simulator, xapi: Proxy) -> None:
    """None are listed, none are recorded, and asking for a value is a bad power state."""
    vm = a_guest(simulator)
    xapi.VM.hard_shutdown(vm)
    assert xapi.VM.get_data_sources(vm) == []
    xapi.VM.record_data_source(vm, "cpu0")
    with pytest.raises(XenAPI.Failure) as refused:
        xapi.VM.query_data_source(vm, "cpu0")
    assert refused.value.details == ["VM_BAD_POWER_STATE", vm, "running;paused", "halted"]

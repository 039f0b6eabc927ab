from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf, nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rebalancer.demand.rrd import rrd_samples
from rebalancer.demand.vcpus import cpu_number, vm_pcpu
from rebalancer.inventory import Pool
from tests.demand.conftest import Answer, answer, as_xml
from tests.pools import CPU_INFO, make_host, make_metrics, make_pool, make_vm


def pcpu(samples: pd.DataFrame, uuid: str) -> dict[int, float]:
    """Hour after 1970 to pCPU of one uuid."""
    rows = samples[samples["uuid"] == uuid]
    hours = (rows["time"] - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(hours=1)
    return dict(zip(hours.tolist(), rows["pcpu"].tolist(), strict=True))


@pytest.fixture
def pool() -> Pool:
    """Hosts h1 and h2 of 16 pCPUs; web on h1 and db on h2 with 2 vCPUs."""
    return make_pool(vms=[make_vm("web", on="h1"), make_vm("db", on="h2")])


def test_a_vm_uses_the_sum_of_its_vcpus(pool: Pool) -> None:
    """`cpu<digits>` count, in any order of columns; `cpu_usage`, `cpu_avg` and `cpu0-C1` do not."""
    body = answer({"vm:web:cpu1": [0.5], "vm:web:cpu0-C1": [0.9], "vm:web:cpu_usage": [0.3], "vm:web:cpu0": [0.25]})
    assert pcpu(rrd_samples({"h1": body}, pool).table, "web") == {0: 0.75}


def test_a_sample_stands_at_the_start_of_its_hour(pool: Pool) -> None:
    """A row that ends at 02:00 is the mean from 01:00: that is the hour whose slot it counts in."""
    assert pcpu(rrd_samples({"h1": answer({"vm:web:cpu0": [0.1, 0.2]})}, pool).table, "web") == {0: 0.1, 1: 0.2}


def test_a_host_uses_its_average_times_its_pcpus(pool: Pool) -> None:
    """`cpu_avg` times `cpu_count`; the sum of `cpu<i>` where `cpu_avg` is not sent or `cpu_count` not known."""
    body = answer({"host:h1:cpu_avg": [0.5], "host:h1:cpu0": [0.1], "host:h1:cpu1": [0.2]})
    assert pcpu(rrd_samples({"h1": body}, pool).table, "h1") == {0: 8.0}
    nameless = make_pool(hosts=[make_host("h1", cpu_info={**CPU_INFO, "cpu_count": ""})])
    assert pcpu(rrd_samples({"h1": body}, nameless).table, "h1") == pytest.approx({0: 0.3})
    cpus = answer({"host:h1:cpu0": [0.1], "host:h1:cpu1": [0.2]})
    assert pcpu(rrd_samples({"h1": cpus}, pool).table, "h1") == pytest.approx({0: 0.3})


def test_only_averages_count(pool: Pool) -> None:
    """A MAX column of the same source, which hosts send too, changes nothing."""
    legend = ["MAX:vm:web:cpu0", "AVERAGE:vm:web:cpu0", "MIN:vm:web:cpu0"]
    body = as_xml(Answer(legend=legend, rows=[(3600, [0.9, 0.5, 0.1])]))
    assert pcpu(rrd_samples({"h1": body}, pool).table, "web") == {0: 0.5}


def test_missing_is_not_zero(pool: Pool) -> None:
    """An hour in which one of the vCPUs is NaN has no sample; neither has a host's NaN."""
    body = answer({"vm:web:cpu0": [0.1, 0.2, 0.3], "vm:web:cpu1": [0.1, nan, 0.3], "host:h1:cpu_avg": [nan, 0.5, nan]})
    samples = rrd_samples({"h1": body}, pool).table
    assert pcpu(samples, "web") == pytest.approx({0: 0.2, 2: 0.6})
    assert pcpu(samples, "h1") == {1: 8.0}


@pytest.mark.parametrize(
    ("columns", "vcpus_now", "expected"),
    [
        ([[0.1, 0.1, 0.1], [nan, 0.2, 0.2]], 2, [0.1, 0.3, 0.3]),  # plugged in
        ([[0.1, 0.1, 0.1], [0.2, 0.2, nan]], 1, [0.3, 0.3, 0.1]),  # plugged out
        ([[0.1, 0.1, 0.1], [0.2, 0.2, nan]], 2, [0.3, 0.3, nan]),  # still there, too busy to be true
        ([[0.1, 0.1, 0.1], [0.2, nan, 0.2]], 2, [0.3, nan, 0.3]),
        ([[0.1, 0.1, 0.1], [nan, nan, nan]], 1, [0.1, 0.1, 0.1]),  # never there
        ([[nan, 0.1, 0.1], [nan, 0.2, 0.2]], 2, [nan, 0.3, 0.3]),  # the VM is young
        ([[nan, nan, nan], [nan, nan, nan]], 2, [nan, nan, nan]),
    ],
)
def test_vcpus_that_come_and_go(columns: list[list[float]], vcpus_now: int, expected: list[float]) -> None:
    """A vCPU counts while the VM has it; a NaN of one that it has makes the hour missing."""
    assert vm_pcpu(range(2), np.array(columns).T, vcpus_now).tolist() == pytest.approx(expected, nan_ok=True)


@given(arrays(np.float64, (6, 3), elements=st.one_of(st.just(nan), st.floats(0, 1))), st.integers(0, 3))
def test_a_sum_of_vcpus_never_shrinks_by_a_gap(shares: np.ndarray, vcpus_now: int) -> None:
    """A row that has a value never lacks a vCPU that was known both before and after it."""
    total = vm_pcpu(range(3), shares, vcpus_now)
    for row in range(6):
        between = [bool((~np.isnan(shares[:row, i])).any() and (~np.isnan(shares[row:, i])).any()) for i in range(3)]
        if any(between[i] and np.isnan(shares[row, i]) for i in range(3)):
            assert np.isnan(total[row])
        elif not np.isnan(total[row]):
            assert total[row] == pytest.approx(np.nansum(shares[row]))


def test_what_more_vcpus_used_is_cut_to_those_of_now(pool: Pool) -> None:
    """A VM that was reduced from four vCPUs to two cannot use more than two."""
    body = answer({f"vm:web:cpu{i}": [1.0, 0.5 if i < 2 else nan] for i in range(4)})
    assert pcpu(rrd_samples({"h1": body}, pool).table, "web") == {0: 2.0, 1: 1.0}


def test_a_vm_counts_at_its_own_host(pool: Pool) -> None:
    """What another host still remembers of a VM that left is dropped, whichever of the two is read first."""
    home, old = answer({"vm:web:cpu0": [0.5]}), answer({"vm:web:cpu0": [0.1]})
    assert pcpu(rrd_samples({"h1": home, "h2": old}, pool).table, "web") == {0: 0.5}
    moved = replace(pool, vms={**pool.vms, "web": replace(pool.vms["web"], resident_on="h2")})
    assert pcpu(rrd_samples({"h1": home, "h2": old}, moved).table, "web") == {0: 0.1}
    assert pcpu(rrd_samples({"h1": home}, moved).table, "web") == {0: 0.5}


def test_what_the_pool_does_not_know_is_left_out(pool: Pool) -> None:
    """Foreign VMs, hosts and SRs, also with values that cannot be, change nothing."""
    body = answer({"vm:ghost:cpu0": [7.0], "host:h9:cpu_avg": [0.1], "sr:s:cpu0": [0.1], "vm:web:cpu0": [0.5]})
    assert rrd_samples({"h1": body}, pool).table["uuid"].tolist() == ["web"]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"vm:web:cpu0": [0.5, 1.2]}, "its cpu0 is 1.2 at 1970-01-01 02:00 UTC, but a share is 0 to 1"),
        ({"vm:web:cpu1": [-0.1]}, "its cpu1 is -0.1 at"),
        ({"vm:web:cpu0": [inf]}, "its cpu0 is inf at"),
        ({"vm:web:cpu99999": [0.5]}, "it reports a CPU number 99999"),
        ({"host:h1:cpu_avg": [16.0]}, "its cpu_avg is 16 at"),
    ],
)
def test_values_that_cannot_be_are_refused(pool: Pool, columns: dict[str, Sequence[float]], words: str) -> None:
    """A share above 1, below 0 or infinite, or a CPU that no host has, refuses its VM or host and nobody else."""
    found = rrd_samples({"h1": answer(columns), "h2": answer({"vm:db:cpu0": [0.5]})}, pool)
    (uuid,) = {column.split(":")[1] for column in columns}
    assert found.refused.keys() == {uuid}
    assert found.refused[uuid].startswith(words)
    assert found.table["uuid"].tolist() == ["db"]


def test_what_another_host_remembers_of_a_vm_refuses_nobody(pool: Pool) -> None:
    """A value that cannot be, at a host where the VM is no more, is dropped like all that this host says of it."""
    found = rrd_samples({"h1": answer({"vm:web:cpu0": [0.5]}), "h2": answer({"vm:web:cpu0": [7.0]})}, pool)
    assert not found.refused
    assert pcpu(found.table, "web") == {0: 0.5}


def test_rounding_over_one_is_no_error(pool: Pool) -> None:
    """A vCPU a few percent over 1 is a matter of clocks."""
    body = answer({"vm:web:cpu0": [1.04]})
    assert pcpu(rrd_samples({"h1": body}, pool).table, "web") == {0: 1.04}


def test_a_step_of_a_day_is_refused(pool: Pool) -> None:
    """A host that answers from its archive of days has no hours to fill the slots with."""
    found = rrd_samples({"h1": answer({"vm:web:cpu0": [0.5]}, step=86400)}, pool)
    assert found.refused["h1"].startswith("it answers with a step of 86400 s instead of an hour")
    assert found.table.empty


def test_a_broken_answer_refuses_its_host_alone(pool: Pool) -> None:
    """Of many hosts, the one whose answer is cut off is named; what the others say is read."""
    found = rrd_samples({"h1": answer({"vm:web:cpu0": [0.5]}), "h2": b"<xport><meta>"}, pool)
    assert found.refused.keys() == {"h2"}
    assert found.refused["h2"].startswith("the answer is no rrd_updates")
    assert found.table["uuid"].tolist() == ["web"]


def test_no_answers_make_an_empty_table(pool: Pool) -> None:
    """Nothing in, nothing out, with all columns."""
    samples = rrd_samples({}, pool).table
    assert samples.columns.tolist() == ["uuid", "owner", "time", "pcpu"]
    assert samples.empty


def test_a_recorded_answer(shared_data: Callable[[str], Path]) -> None:
    """The recorded host of 8.2 runs dom0 only: its own load is all that the host uses."""
    host, dom0 = "4cff6b2b-a236-42e0-b388-c78a413f5f46", "cc11e6e9-5071-4707-830a-b87e5618e874"
    domain = make_vm(dom0, on=host, is_control_domain=True, vcpus_max=1, metrics=make_metrics(vcpus_number=1))
    pool = make_pool(hosts=[make_host(host, cpu_info={**CPU_INFO, "cpu_count": "1"})], vms=[domain])
    samples = rrd_samples({host: shared_data("rrd/host82-updates.xml").read_bytes()}, pool).table
    by_owner = {owner: rows["pcpu"].tolist() for owner, rows in samples.groupby("owner", observed=True)}
    assert by_owner["vm"] == [0.1112, 0.1671, 0.1011, 0.1379]
    assert by_owner["host"] == pytest.approx(by_owner["vm"], abs=2e-4)


@pytest.mark.parametrize(
    ("source", "number"),
    [("cpu0", 0), ("cpu15", 15), ("cpu0-C1", None), ("cpu_avg", None), ("cpu_usage", None), ("xcpu1", None)],
)
def test_which_sources_are_vcpus(source: str, number: int | None) -> None:
    """`cpu` and digits, and nothing else."""
    assert cpu_number(source) == number


def test_a_big_pool_is_read_whole() -> None:
    """16 hosts with 250 VMs of 40 columns and a week of hours give one sample an hour and VM."""
    rng = np.random.default_rng(1)
    hosts = [make_host(f"h{number}") for number in range(16)]
    vms = [make_vm(f"v{number}", on=f"h{number % 16}") for number in range(250)]
    pool = make_pool(hosts=hosts, vms=vms)
    sources = ["cpu0", "cpu1", *(f"vbd_{number}_read" for number in range(38))]
    rows = [(3600 * number, rng.random(16 * 40).round(6).tolist()) for number in range(168, 0, -1)]
    bodies = {}
    for host in hosts:
        names = [vm.uuid for vm in vms if vm.resident_on == host.uuid]
        legend = [f"AVERAGE:vm:{name}:{source}" for name in names for source in sources]
        bodies[host.uuid] = as_xml(Answer(legend=legend, rows=rows))
    samples = rrd_samples(bodies, pool).table
    assert len(samples) == 250 * 168

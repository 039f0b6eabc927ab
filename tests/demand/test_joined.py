"""Load profiles of several pools as one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from rebalancer.demand import LoadProfile, Quality, as_named_in, join_profiles
from rebalancer.errors import InputError
from tests.guests import make_vm
from tests.pools import make_host, make_pool

UNTIL = datetime(2026, 11, 8, tzinfo=UTC)


def profile(*vms: str, host: str, pcpu: float, **changes: Any) -> LoadProfile:  # noqa: ANN401 - any field
    """VMs that use *pcpu* and one more each, on one host that uses as much itself, in two slots."""
    values = LoadProfile(
        vms=vms,
        hosts=(host,),
        vm_pcpu=np.array([[pcpu + number, 0.5] for number in range(len(vms))]),
        host_base_pcpu=np.array([[pcpu, 0.25]]),
        slot_hours=12.0,
        quality=dict.fromkeys(vms, Quality.MEASURED),
        percentile=95.0,
        window_start=UNTIL - timedelta(days=7),
        window_end=UNTIL,
        timezone="UTC",
        source=f"metrics of {host}",
    )
    return replace(values, **changes)


def test_rows_stay_with_their_vms_and_hosts() -> None:
    """VMs and hosts are sorted, and each keeps its curve."""
    both = join_profiles(profile("b", "d", host="h2", pcpu=2), profile("a", "c", host="h1", pcpu=7))
    assert (both.vms, both.hosts) == (("a", "b", "c", "d"), ("h1", "h2"))
    assert both.vm_pcpu[:, 0].tolist() == [7, 2, 8, 3]
    assert both.host_base_pcpu[:, 0].tolist() == [7, 2]
    assert both.quality.keys() == {"a", "b", "c", "d"}
    assert both.source == "metrics of h2 + metrics of h1"


def test_memory_in_use_is_that_of_all() -> None:
    """What guests of either pool use."""
    one = profile("b", host="h2", pcpu=2, memory_used={"b": 5})
    assert join_profiles(one, profile("a", host="h1", pcpu=7, memory_used={"a": 3})).memory_used == {"a": 3, "b": 5}


def test_what_both_pools_have_is_told_apart() -> None:
    """Curve, quality, refusal and use of memory stay with their own VM, where two pools have one of that uuid."""
    there = make_pool(hosts=[make_host("h2")], vms=[make_vm("a@west", on="h2")])
    one, other = (
        profile("a", host=host, pcpu=pcpu, memory_used={"a": pcpu}, refused={"a": host})
        for host, pcpu in (("h1", 1), ("h2", 7))
    )
    both = join_profiles(one, as_named_in(other, there))
    assert (both.vms, both.vm_pcpu[:, 0].tolist()) == (("a", "a@west"), [1, 7])
    assert both.memory_used == {"a": 1, "a@west": 7}
    assert both.refused == {"a": "h1", "a@west": "h2"}
    assert both.quality.keys() == {"a", "a@west"}


def test_the_window_spans_both() -> None:
    """From the earlier start to the later end."""
    later = UNTIL + timedelta(hours=1)
    both = join_profiles(profile("a", host="h1", pcpu=1), profile("b", host="h2", pcpu=1, window_end=later))
    assert (both.window_start, both.window_end) == (UNTIL - timedelta(days=7), later)


def test_peaks_are_joined_where_both_have_them() -> None:
    """With a robust policy the peaks of VMs stay with their VMs."""
    one = profile("b", host="h2", pcpu=1, vm_deviation_pcpu=np.array([[1.0, 2.0]]))
    other = profile("a", host="h1", pcpu=1, vm_deviation_pcpu=np.array([[3.0, 4.0]]))
    peaks = join_profiles(one, other).vm_deviation_pcpu
    assert peaks is not None
    assert peaks.tolist() == [[3.0, 4.0], [1.0, 2.0]]


def test_one_profile_stays_what_it_is() -> None:
    """Nothing is joined."""
    one = profile("a", host="h1", pcpu=1)
    assert join_profiles(one) is one


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"percentile": 50.0}, "percentile differ"),
        ({"timezone": "Europe/Berlin"}, "time zone differ"),
        ({"vm_pcpu": np.zeros((1, 3)), "host_base_pcpu": np.zeros((1, 3))}, "slots differ"),
        ({"vm_deviation_pcpu": np.zeros((1, 2))}, "peaks differ"),
        ({"window_end": UNTIL + timedelta(hours=49)}, "measured until 2026-11-08 and 2026-11-10"),
    ],
)
def test_numbers_that_do_not_mean_the_same_are_not_joined(changes: dict[str, Any], words: str) -> None:
    """Slots, percentile, zone and time have to agree."""
    with pytest.raises(InputError, match=words):
        join_profiles(profile("a", host="h1", pcpu=1), profile("b", host="h2", pcpu=1, **changes))

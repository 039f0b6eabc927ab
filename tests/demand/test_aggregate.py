from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import nan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rebalancer.demand import Quality
from rebalancer.demand.aggregate import profile_from_samples
from rebalancer.errors import MetricsRefused
from rebalancer.policy import DemandPolicy
from tests.demand.measured import END, LAST, PERCENTILES, POOL, WEEK, base, profile, row, samples
from tests.pools import make_host, make_pool, make_vm


def test_a_slot_is_the_percentile_of_its_hours() -> None:
    """Seven days of hour 3 at 0.1 to 0.7 have a 95th percentile of 0.6, the second highest; hour 4 keeps its own."""
    values = np.full((7, 24), 0.05)
    values[:, 3] = np.arange(1, 8) / 10
    found = profile({"a": values.ravel().tolist()})
    assert row(found, "a")[3] == pytest.approx(0.6)
    assert row(found, "a")[4] == pytest.approx(0.05)
    assert (found.slots, found.percentile, found.slot_hours) == (24, 95.0, 1.0)
    assert (found.window_start, found.window_end) == (LAST - timedelta(days=7), LAST)


def test_the_week_has_168_slots() -> None:
    """With 168 slots each hour of the week stands for itself, Monday 00:00 UTC first."""
    values = np.linspace(0, 1, WEEK)
    found = profile({"a": values.tolist()}, settings=DemandPolicy(slots=168))
    assert np.allclose(row(found, "a"), values, atol=1e-4)


def test_slots_are_in_local_time() -> None:
    """In Tokyo the load of 00:00 UTC is that of slot 9."""
    values = np.zeros((7, 24))
    values[:, 0] = 1.0
    found = profile({"a": values.ravel().tolist()}, settings=DemandPolicy(slots=24, timezone="Asia/Tokyo"))
    assert np.flatnonzero(row(found, "a")).tolist() == [9]
    assert found.timezone == "Asia/Tokyo"


def test_a_young_vm_uses_what_there_is_and_is_marked() -> None:
    """After ten hours a VM is short; slots that it never lived through take its highest hour."""
    found = profile({"a": [0.2] * 6 + [0.9] + [0.3] * 3})
    assert found.quality["a"] is Quality.SHORT
    assert row(found, "a").tolist() == [0.9] * 14 + [0.2] * 6 + [0.9] + [0.3] * 3


@pytest.mark.parametrize(("lost", "quality"), [(33, Quality.MEASURED), (34, Quality.UNKNOWN)])
def test_a_vm_with_too_few_points_is_unknown(lost: int, quality: Quality) -> None:
    """Of 168 points 135 are enough and 134 are not; an unknown VM takes its highest hour in every slot."""
    values = [0.1] * 10 + [nan] * lost + [0.1] * (WEEK - 11 - lost) + [1.5]
    found = profile({"a": values})
    assert found.quality["a"] is quality
    assert (row(found, "a") == 1.5).all() == (quality is Quality.UNKNOWN)


def test_an_archive_that_begins_an_hour_late_is_no_young_vm() -> None:
    """One missing hour at the beginning is how archives are."""
    assert profile({"a": [0.1] * (WEEK - 1)}).quality["a"] is Quality.MEASURED


def test_a_vm_without_any_point_counts_with_its_vcpus() -> None:
    """It is unknown, and may use all it has: never 0."""
    found = profile({"b": []})
    assert found.quality["b"] is Quality.UNKNOWN
    assert (row(found, "b") == 4.0).all()


def test_vms_and_hosts_of_yesterday_are_left_out() -> None:
    """Samples of VMs that are gone or halted change nothing."""
    halted = replace(POOL, vms={**POOL.vms, "old": make_vm("old", on=None)})
    assert profile({"ghost": [1.0] * WEEK, "old": [1.0] * WEEK}, pool=halted) == profile({})


def test_the_control_domain_is_the_hosts_own_load() -> None:
    """Where dom0 is measured it is the base, whatever the host's past says: its former VMs are no load of its own."""
    found = profile({"h1": [9.0] * WEEK, "dom0-h1": [0.4] * WEEK})
    assert np.allclose(base(found, "h1"), 0.4)


def test_without_control_domains_the_base_is_what_is_left() -> None:
    """A host's use less that of its VMs, hour by hour, never below 0."""
    whole = [2.0] * (WEEK // 2) + [0.1] * (WEEK // 2)
    found = profile(
        {"h1": whole, "h2": [0.5] * WEEK, "dom0-h1": [], "dom0-h2": []}, settings=DemandPolicy(percentile=100)
    )
    assert np.allclose(base(found, "h1"), 1.8)
    assert np.allclose(base(found, "h2"), 0.4)
    lowest = profile(
        {"h1": whole, "h2": [0.5] * WEEK, "dom0-h1": [], "dom0-h2": []}, settings=DemandPolicy(percentile=0)
    )
    assert np.allclose(base(lowest, "h1"), 0.0)


def test_without_hosts_the_base_is_zero_and_said() -> None:
    """A file of VMs only has no load of hosts: the profile says so."""
    found = profile({"dom0-h1": [], "dom0-h2": []})
    assert not found.host_base_pcpu.any()
    assert found.source == "hosts' RRDs; the hosts' own load is not in it and counts as 0"
    assert profile({}).source == "hosts' RRDs"


FOUR = make_pool(
    hosts=[make_host(f"h{number}") for number in range(1, 5)],
    vms=[make_vm("a", on="h1"), make_vm("b", on="h2"), make_vm("c", on="h3")],
)
LOADED = {f"dom0-h{number}": [0.1] * WEEK for number in range(1, 5)}


def test_a_live_host_without_metrics_is_refused_and_the_rest_is_measured() -> None:
    """One host that sent nothing says so in its place, and its VM is not known; the others are as ever."""
    found = profile({**LOADED, "dom0-h2": [], "b": []}, pool=FOUR)
    assert found.refused == {"h2": "it sent no CPU metrics"}
    assert found.quality == {"a": Quality.MEASURED, "b": Quality.UNKNOWN, "c": Quality.MEASURED}
    assert (base(found, "h1") == 0.1).all()


def test_a_host_that_is_known_to_send_nothing_is_refused_with_the_reason_given() -> None:
    """Whoever asked the hosts tells why one of them has no metrics."""
    hours = {**{uuid: [0.1] * WEEK for uuid in "ac"}, **LOADED, "dom0-h2": []}
    found = profile_from_samples(samples(hours), FOUR, PERCENTILES, END, refused={"h2": "its clock is 7 h ahead"})
    assert found.refused == {"h2": "its clock is 7 h ahead"}


@pytest.mark.parametrize(("points", "held"), [(1, True), (19, True), (20, False)])
def test_a_host_that_joined_a_short_while_ago_is_refused(points: int, held: bool) -> None:
    """With under four fifths of a day of its own load, nobody knows what it needs for itself."""
    found = profile({**LOADED, "dom0-h4": [0.1] * points}, pool=FOUR)
    words = f"it sent {points} hourly points where 24 make a day: it joined a short while ago"
    assert found.refused == ({"h4": words} if held else {})


def test_short_metrics_of_all_hosts_are_no_sign_of_a_young_host() -> None:
    """Where nobody has more than three hours, three hours are enough."""
    hours = {uuid: [0.1] * 3 for uuid in (*"abc", *LOADED)}
    assert profile_from_samples(samples(hours), FOUR, PERCENTILES, END).refused == {}


def test_dead_hosts_are_not_expected_to_send_metrics() -> None:
    """A host that is down is none without metrics, and nobody asks how many of the VMs that count there are known."""
    dead = replace(FOUR, hosts={**FOUR.hosts, "h2": make_host("h2", live=False)})
    assert profile({**LOADED, "dom0-h2": [], "b": []}, pool=dead).refused == {}


@pytest.mark.parametrize(
    ("hosts", "silent", "share", "refused"),
    [
        (3, 1, 0.25, False),
        (2, 1, 0.25, True),
        (8, 2, 0.25, True),
        (9, 2, 0.25, False),
        (8, 2, 0.3, False),
        (8, 7, 1.0, True),
    ],
)
def test_too_many_silent_hosts_refuse_the_pool(*, hosts: int, silent: int, share: float, refused: bool) -> None:
    """From the policy's share on, and where fewer than two hosts are left; one host alone is not reason enough."""
    pool = make_pool(hosts=[make_host(f"h{number}") for number in range(hosts)], vms=[make_vm("a", on=f"h{hosts - 1}")])
    hours = {f"dom0-h{number}": [0.1] * WEEK for number in range(silent, hosts)} | {"a": [0.1] * WEEK}
    settings = DemandPolicy(refuse_from_share=share)
    if refused:
        names = ", ".join(f"host h{number}" for number in range(silent))
        words = f"{silent} of {hosts} live hosts give none that can be used; {names}: it sent no CPU metrics"
        with pytest.raises(MetricsRefused, match=words):
            profile_from_samples(samples(hours), pool, settings, END)
    else:
        assert len(profile_from_samples(samples(hours), pool, settings, END).refused) == silent


def test_a_pool_that_nobody_measured_is_refused() -> None:
    """No point at all in the window, or more than half of the VMs unknown: refused with names and numbers."""
    with pytest.raises(MetricsRefused, match="no running VM has a point from 2026-11-09 00:00 to 2026-11-16 00:00 UTC"):
        profile({"a": [], "b": [], "c": []})
    with pytest.raises(MetricsRefused, match=r"2 of 3 running VMs have too few points from .*VM a has 0 of 168 points"):
        profile({"a": [], "b": [0.1] * 50 + [nan] * 50 + [0.1]})


@pytest.mark.parametrize(
    ("uuid", "value", "words"),
    [
        ("a", 2.2, "2.2 pCPU at 2026-11-15 23:00 UTC is impossible with 2 vCPUs"),
        ("a", -0.1, "-0.1 pCPU"),
        ("c", np.inf, "inf pCPU"),
        ("h2", 17.0, "17 pCPU at 2026-11-15 23:00 UTC is impossible with 16 pCPUs"),
    ],
)
def test_impossible_values_refuse_whose_they_are(uuid: str, value: float, words: str) -> None:
    """More than all vCPUs, negative, infinite: VM or host, value and time are named, and a VM is not known."""
    found = profile({**LOADED, uuid: [value]}, pool=FOUR)
    assert found.refused.keys() == {uuid}
    assert found.refused[uuid].startswith(words)
    assert found.quality.get(uuid, Quality.UNKNOWN) is Quality.UNKNOWN


def test_impossible_values_of_strangers_do_not_matter() -> None:
    """What is not in the pool is not judged."""
    assert profile({"ghost": [-1.0]}) == profile({})


@given(
    arrays(np.float64, (3, WEEK), elements=st.one_of(st.just(nan), st.floats(0, 2))),
    st.sampled_from([24, 168]),
    st.just(0.0) | st.floats(0.001, 100),
)
def test_demand_is_never_missing_and_never_above_what_was_seen(
    means: np.ndarray, slots: int, percentile: float
) -> None:
    """Any week of samples makes a profile of numbers between 0 and each VM's highest hour, or is refused.

    It is 0 all day only for a VM that was seen idle: in all its hours, or in as many as the percentile leaves out.
    """
    settings = DemandPolicy(slots=24 if slots == 24 else 168, percentile=percentile)
    hours = dict(zip("abc", means.tolist(), strict=True))
    unknown = sum(_is_unknown(each) for each in means)
    if unknown > 1:
        with pytest.raises(MetricsRefused):
            profile(hours, settings=settings)
        return
    found = profile(hours, settings=settings)
    for index, uuid in enumerate(found.vms):
        seen = means[index][~np.isnan(means[index])]
        highest = seen.max() if len(seen) else {"a": 2.0, "b": 4.0, "c": 2.0}[uuid]
        assert (found.vm_pcpu[index] >= 0).all()
        assert (found.vm_pcpu[index] <= highest + 1e-4).all()
        idle = highest < 1e-9 or (percentile < 100 and (seen < 1e-9).any())
        assert found.vm_pcpu[index].max() > 0 or idle
        assert (found.quality[uuid] is Quality.UNKNOWN) == _is_unknown(means[index])


def _is_unknown(hours: np.ndarray) -> bool:
    """Under 80 % of the points since the first, by counting."""
    known = [index for index, value in enumerate(hours) if not np.isnan(value)]
    return not known or len(known) / (WEEK - known[0]) < 0.8


def test_the_same_samples_in_any_order_make_the_same_profile() -> None:
    """Rows may come in any order, and uuids as categories."""
    hours = {"a": np.linspace(0, 1, WEEK).tolist(), "dom0-h1": [0.2] * WEEK, "dom0-h2": [0.1] * WEEK}
    table = samples({"b": [0.1] * WEEK, "c": [0.3] * WEEK, **hours})
    shuffled = table.sample(frac=1, random_state=1).astype({"uuid": "category", "owner": "category"})
    assert profile_from_samples(table, POOL, PERCENTILES, END) == profile_from_samples(shuffled, POOL, PERCENTILES, END)


def test_a_big_pool_is_folded_whole() -> None:
    """3000 VMs with a week of hours become 168 slots each."""
    pool = make_pool(
        hosts=[make_host(f"h{n}") for n in range(64)], vms=[make_vm(f"v{n}", on=f"h{n % 64}") for n in range(3000)]
    )
    uuids = [*(f"v{n}" for n in range(3000)), *(f"dom0-h{n}" for n in range(64))]
    hours = pd.date_range(end=LAST - timedelta(hours=1), periods=WEEK, freq="h")
    table = pd.DataFrame(
        {
            "uuid": np.repeat(uuids, WEEK),
            "owner": "vm",
            "time": np.tile(hours, len(uuids)),
            "pcpu": np.random.default_rng(1).random(len(uuids) * WEEK),
        }
    ).assign(time=lambda each: pd.to_datetime(each["time"], utc=True))
    found = profile_from_samples(table, pool, DemandPolicy(slots=168), END)
    assert found.vm_pcpu.shape == (3000, 168)


def test_peaks_are_kept_where_the_policy_asks_for_them() -> None:
    """Hour 3 is at 0.1 to 0.7 over seven days: its peak is 0.7, as far above the percentile as nobody else is."""
    values = np.full((7, 24), 0.05)
    values[:, 3] = np.arange(1, 8) / 10
    found = profile({"a": values.ravel().tolist()}, settings=DemandPolicy(robust=True, percentile=50))
    assert found.vm_deviation_pcpu is not None
    peaks = found.vm_deviation_pcpu[found.vms.index("a")]
    assert peaks[3] == pytest.approx(0.3)
    assert peaks[4] == pytest.approx(0)
    assert (found.vm_deviation_pcpu >= 0).all()
    assert profile({"a": values.ravel().tolist()}).vm_deviation_pcpu is None

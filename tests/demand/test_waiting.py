"""Demand that waiting hides: what VMs wanted on top of what they used."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from rebalancer.demand import LoadProfile
from rebalancer.demand.aggregate import profile_from_samples
from rebalancer.demand.rrd import rrd_samples
from rebalancer.demand.waiting import WAITING, waiting_pcpu
from rebalancer.inventory import Pool
from rebalancer.policy import DemandPolicy
from rebalancer.snapshot import Snapshot, read_snapshot, snapshot_in, write_snapshot
from tests.demand.conftest import answer
from tests.pools import make_host, make_pool, make_vm


def scheduled(
    chance: np.random.Generator, *, pcpus: int, vcpus: Sequence[int], busy: float
) -> tuple[NDArray[np.float64], ...]:
    """A host with VMs of so many *vcpus*, each of which wants to run a *busy* share of the time, moment by moment.

    Of the vCPUs that want to, some at random run, as many as there are pCPUs; it knows nothing of what is tested.

    Returns:
        pCPUs that each VM wanted, and used, shape (VMs,), and its shares of time in `WAITING`, shape (VMs, 3).
    """
    owner = np.repeat(np.arange(len(vcpus)), vcpus)
    wants = chance.random((4000, len(owner))) < busy
    rank = np.argsort(np.argsort(np.where(wants, chance.random(wants.shape), 2.0), axis=1), axis=1)
    runs = wants & (rank < pcpus)
    mine = owner[None, :] == np.arange(len(vcpus))[:, None]
    running, waiting = (np.array([each[:, of].sum(axis=1) for of in mine]) for each in (runs, wants & ~runs))
    sizes = np.array(vcpus)[:, None]
    all_wait, some_run = waiting == sizes, (waiting > 0) & (running > 0)
    some_sleep = (waiting > 0) & (running == 0) & ~all_wait
    states = np.stack([each.mean(axis=1) for each in (all_wait, some_run, some_sleep)], axis=1)
    return (running + waiting).mean(axis=1), running.mean(axis=1), states


@pytest.mark.parametrize("busy", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("vcpus", [(1,) * 8, (2, 2, 2, 2), (1, 2, 4, 8), (8, 8)])
def test_a_scheduler_of_its_own_agrees(vcpus: tuple[int, ...], busy: float) -> None:
    """On a host with half as many pCPUs as vCPUs, what is used and waited for is what the VMs want, within 10 %."""
    wanted, used, states = scheduled(np.random.default_rng(7), pcpus=sum(vcpus) // 2, vcpus=vcpus, busy=busy)
    waited = np.concatenate([waiting_pcpu(row[None], size) for row, size in zip(states, vcpus, strict=True)])
    assert used + waited == pytest.approx(wanted, rel=0.1)
    if busy > 0.5:
        assert (used < 0.93 * wanted).all()


def test_states_bound_what_is_said() -> None:
    """All wait: all vCPUs did. Some wait: at least one did, and at least one did not. Nothing known: nothing said."""
    shares = np.array([[1.0, 0, 0], [0, 1.0, 0], [0.25, 0.25, 0], [0, 0, 0], [nan, 0.1, 0.1]])
    four = waiting_pcpu(shares, 4)
    assert four[0] == 4
    assert four[1] == 3
    assert 4 * 0.25 + 0.25 <= four[2] <= 4 * 0.25 + 3 * 0.25
    assert four[3] == 0
    assert np.isnan(four[4])
    assert waiting_pcpu(np.array([[0.5, 0, 0]]), 1).tolist() == [0.5]
    assert waiting_pcpu(np.array([[0.1, 0.2, 0.1]]), 2) == pytest.approx([2 * 0.1 + 0.3])


def recorded(waits: Sequence[float], used: Sequence[float]) -> bytes:
    """`web` uses so much of each of its two vCPUs, and both wait in these shares of each hour."""
    zero = [0.0] * len(waits)
    states = dict(zip(WAITING, (waits, zero, zero), strict=True))
    vcpus = {"vm:web:cpu0": used, "vm:web:cpu1": used}
    return answer({**vcpus, **{f"vm:web:{name}": share for name, share in states.items()}})


@pytest.fixture
def pool() -> Pool:
    """`web` on h1 with 2 vCPUs, and an idle h2."""
    return make_pool(hosts=[make_host("h1"), make_host("h2")], vms=[make_vm("web", on="h1")])


def profile(pool: Pool, body: bytes, **policy: object) -> LoadProfile:
    """The profile after the 24 hours of an answer of h1, each slot an hour."""
    found = rrd_samples({"h1": body}, pool)
    settings = DemandPolicy.model_validate({"window_days": 1, **policy})
    end = datetime(1970, 1, 2, tzinfo=UTC)
    return profile_from_samples(found.table, pool, settings, end, refused=found.refused, waiting=found.waiting)


def test_time_spent_waiting_is_demand(pool: Pool) -> None:
    """2 x 0.6 pCPU used and 2 x 0.2 waited for; never above two vCPUs; an hour that tells nothing is as it was used."""
    waits, used = [0.2, 0.7, nan, *[0.0] * 21], [0.6, 0.6, 0.6, *[0.1] * 21]
    found = profile(pool, recorded(waits, used))
    assert found.vm_pcpu[0, :4] == pytest.approx([1.6, 2.0, 1.2, 0.2])
    assert found.waited == {"web": pytest.approx((0.4 + 1.4) / 23)}
    assert "with the time in which 1 VM waited for a pCPU" in found.source


def test_the_policy_turns_it_off(pool: Pool) -> None:
    """With `waiting = false` only what was used counts, and the profile says nothing else."""
    found = profile(pool, recorded([0.2] * 24, [0.6] * 24), waiting=False)
    assert found.vm_pcpu[0] == pytest.approx(np.full(24, 1.2))
    assert found.waited == {}
    assert "waited" not in found.source


@pytest.mark.parametrize("missing", WAITING)
def test_half_the_states_tell_nothing(pool: Pool, missing: str) -> None:
    """Where one of the three is not recorded, absent is not zero: what was used counts."""
    body = recorded([0.2] * 24, [0.6] * 24).replace(missing.encode(), b"runstate_blocked")
    found = profile(pool, body)
    assert (found.waited, found.vm_pcpu[0, 0]) == ({}, pytest.approx(1.2))


def test_a_share_above_one_is_refused(pool: Pool) -> None:
    """As any share: whose numbers cannot be true is held, by name and with the reason."""
    found = rrd_samples({"h1": recorded([1.5] * 24, [0.6] * 24)}, pool)
    assert found.refused["web"].startswith("its runstate_full_contention is 1.5 at ")
    assert found.waiting.empty


def test_the_own_load_of_a_host_is_what_it_used(pool: Pool) -> None:
    """A host that used 8 pCPUs, 2 of them by its VM, needs 6 for itself, however long the VM waited."""
    body = recorded([0.2] * 24, [0.6] * 24)
    host = answer({"host:h1:cpu_avg": [0.5] * 24})
    found, of_host = rrd_samples({"h1": body}, pool), rrd_samples({"h1": host}, pool).table
    silent = of_host.assign(uuid="h2")
    table, policy = pd.concat([found.table, of_host, silent]), DemandPolicy(window_days=1)
    waited = profile_from_samples(table, pool, policy, datetime(1970, 1, 2, tzinfo=UTC), waiting=found.waiting)
    assert waited.vm_pcpu[0] == pytest.approx(np.full(24, 1.6))
    assert waited.host_base_pcpu[0] == pytest.approx(np.full(24, 8.0 - 1.2))


def test_snapshots_carry_it(pool: Pool, tmp_path: Path) -> None:
    """What was waited for comes back as it was written; files that do not tell it read on."""
    demand = profile(pool, recorded([0.2] * 24, [0.6] * 24))
    at = datetime(2026, 11, 16, tzinfo=UTC)
    write_snapshot(Snapshot(pool=pool, demand=demand, taken_at=at, source="test"), tmp_path / "pool.json")
    written = json.loads((tmp_path / "pool.json").read_text())
    assert read_snapshot(tmp_path / "pool.json").demand == demand
    del written["demand"]["waited"]
    before = snapshot_in(json.dumps(written).encode(), "an old file").demand
    assert before == replace(demand, waited={})

"""Moves that were really made: taken back for the first night, and made again in theirs."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from rebalancer.policy import Policy
from rebalancer.whatif.replay import CarriedOut, MadeMove, Nothing, ReplayedNight, ReplayReporter, pool_before, replay
from rebalancer.whatif.replay.night import Contender, Decision, Night
from rebalancer.workers import KeptProcesses
from tests.pools import make_disk, make_host, make_pool, make_sr, make_vdi, make_vm, policy_of
from tests.whatif.replay.recorded import MONDAY, recording_of

PLAIN = policy_of(demand={"window_days": 2})
NIGHT = MONDAY + timedelta(days=2)
NOON = NIGHT + timedelta(hours=12)


def moved(vm: str, source: str, target: str, at: timedelta = timedelta(0)) -> MadeMove:
    """A move seen at noon of the first night's day, or later."""
    return MadeMove(at=NOON + at, vm=vm, source=source, target=target)


def test_the_first_move_tells_where_a_vm_was() -> None:
    """Whatever came after it; a VM that did not move is where it is."""
    pool = make_pool(vms=[make_vm("a", on="h1"), make_vm("b", on="h1")])
    before = pool_before(pool, [moved("a", "h2", "h1"), moved("a", "h1", "h2"), moved("a", "h2", "h1")])
    assert [before.vms[vm].resident_on for vm in ("a", "b")] == ["h2", "h1"]


def test_what_is_gone_stays_gone() -> None:
    """VMs and hosts that the pool no longer has."""
    pool = make_pool(vms=[make_vm("a", on="h1")])
    assert pool_before(pool, [moved("gone", "h2", "h1"), moved("a", "gone", "h1")]) == pool


def test_a_vm_stays_where_its_disks_are_seen() -> None:
    """Its disk lies on the local SR of the host that it came to."""
    local = make_sr("local", shared=False)
    pool = make_pool(
        hosts=[make_host("h1", srs=("shared", "local")), make_host("h2")],
        vms=[make_vm("a", on="h1", vbds=(make_disk("a", vdi="disk"),))],
        srs=[local],
        vdis=[make_vdi("disk", "local")],
    )
    assert pool_before(pool, [moved("a", "h2", "h1")]) == pool


def test_moves_are_made_in_their_night() -> None:
    """Each at the midnight before it; overload by arithmetic, 4 pCPUs above 75 % until the second night."""
    pool = make_pool(vms=[make_vm(name, gib=4, vcpus_max=8, vcpus_at_startup=8) for name in ("a", "b")])
    known = recording_of(pool, {"a": [8.0] * 5, "b": [8.0] * 5})
    moves = (moved("a", "h1", "h2", timedelta(days=1)), moved("b", "h1", "gone"))
    done = CarriedOut(policy=PLAIN, moves=moves)
    found = replay(pool, known, [done], days_back=2, regret=False)
    assert [night.moved for night in found.nights] == [(), ("a",), ()]
    assert [night.day.overload for night in found.nights] == [96, 0, 0]
    assert [night.gib for night in found.nights] == [0, 4, 0]


class Heard(ReplayReporter):
    """Notes what it hears."""

    def __init__(self) -> None:
        self.nights: list[ReplayedNight] = []

    def night_done(self, replayed: ReplayedNight) -> None:
        """One more."""
        self.nights.append(replayed)


@pytest.mark.parametrize("workers", [None, 2])
def test_side_by_side_is_the_same(workers: int | None) -> None:
    """With an executor and without: the same nights in the same order, and all of them are told."""
    pool = make_pool(vms=[make_vm("a", gib=4)])
    known, heard = recording_of(pool, {"a": [1.0, 2.0, 3.0, 4.0]}), Heard()
    rows = [replace(Nothing(policy=PLAIN), name=name) for name in ("x", "y", "z")]
    with ThreadPoolExecutor(workers) as executor:
        found = replay(pool, known, rows, days_back=2, reporter=heard, executor=executor if workers else None)
    assert found == replay(pool, known, rows, days_back=2)
    assert tuple(heard.nights) == found.nights


@dataclass(frozen=True, kw_only=True)
class Deadly:
    """Does nothing; but the first process that is asked dies."""

    policy: Policy
    marker: Path
    name: str = "deadly"

    def decide(self, night: Night) -> Decision:
        """Where VMs are."""
        if not self.marker.exists():
            self.marker.touch()
            os._exit(9)
        return Nothing(policy=self.policy).decide(night)


def test_a_process_that_dies_costs_no_night(tmp_path: Path) -> None:
    """Its contender is replayed once more."""
    pool = make_pool(vms=[make_vm("a", gib=4)])
    known = recording_of(pool, {"a": [1.0, 2.0, 3.0, 4.0]})
    rows: list[Contender] = [Nothing(policy=PLAIN), Deadly(policy=PLAIN, marker=tmp_path / "died")]
    with KeptProcesses(1) as executor:
        found = replay(pool, known, rows, days_back=2, executor=executor)
    assert (tmp_path / "died").exists()
    assert [night.day for night in found.of("deadly")] == [night.day for night in found.of("nothing")]

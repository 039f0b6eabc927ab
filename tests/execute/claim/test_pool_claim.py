"""The lock of one pool: who gets it, keeps it, loses it, and what is left of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from rebalancer.errors import PoolLocked
from rebalancer.execute.claim.pool_claim import BREAK, LOCK, PoolClaim
from rebalancer.inventory import Pool
from rebalancer.xapi import TaskRow
from tests.execute.claim.claims import claim_of
from tests.execute.scripted import ScriptedPool
from tests.execute.scripted_marks import ScriptedMarks

LONG, DEAD = timedelta(minutes=10), timedelta(minutes=2)


@pytest.fixture
def marks(pool: Pool) -> ScriptedMarks:
    """Of a pool in memory."""
    return ScriptedPool(pool).marks


def test_a_second_run_is_refused_and_told_who_holds_it(marks: ScriptedMarks, tmp_path: Path) -> None:
    """The refusal names run, process, plan and since when, and how to break the lock."""
    claim_of("first", marks, tmp_path / "a").take(break_lock=False)
    with pytest.raises(PoolLocked) as refused:
        claim_of("second", marks, tmp_path / "b").take(break_lock=False)
    for words in ("run first of ", "(process ", "plan sha256:1", "since 2026-03-01 01:30:00 UTC", "--break-lock"):
        assert words in str(refused.value)


def test_at_the_end_nothing_is_left(marks: ScriptedMarks, tmp_path: Path) -> None:
    """Lock, leases and guard are gone, and the next run gets the lock."""
    claim = claim_of("first", marks, tmp_path)
    claim.take(break_lock=False)
    assert claim.renew()
    claim.release()
    assert marks.keys == {}


def test_a_lease_is_there_all_the_time(marks: ScriptedMarks, tmp_path: Path) -> None:
    """Renewing adds the next before it removes the last, and leaves the lock as it is."""
    claim, counts = claim_of("first", marks, tmp_path), set[int]()
    claim.take(break_lock=False)
    held = marks.keys[LOCK]
    claim.renew()
    marks.owner.before_each = lambda _call: counts.add(sum("lease" in key for key in marks.keys))
    for _ in range(3):
        claim.renew()
    assert (counts, marks.keys[LOCK]) == ({1, 2}, held)


def test_a_killed_run_knows_its_own_lock(marks: ScriptedMarks, tmp_path: Path) -> None:
    """The same run in the same state folder takes over at once, and counts its leases on."""
    killed = claim_of("run", marks, tmp_path)
    killed.take(break_lock=False)
    killed.renew()
    again = claim_of("run", marks, tmp_path)
    assert again.take(break_lock=False) == ""
    assert again.renew()
    assert again.is_ours()
    again.release()
    assert marks.keys == {}


def test_a_run_whose_lock_file_is_free_is_dead(marks: ScriptedMarks, tmp_path: Path) -> None:
    """Another plan with the same state folder: its holding the lock file proves that the former process is gone."""
    claim_of("first", marks, tmp_path).take(break_lock=False)
    assert "run first" in claim_of("second", marks, tmp_path).take(break_lock=False)


def test_the_last_request_of_a_dead_run_finds_its_lock(marks: ScriptedMarks, tmp_path: Path) -> None:
    """The system may still be sending it: until it no longer can, the lock stays that of the dead run."""
    claim_of("first", marks, tmp_path).take(break_lock=False)
    held, seen = marks.keys[LOCK], list[str]()
    second = claim_of("second", marks, tmp_path, rest=lambda _holder: seen.append(marks.keys[LOCK]))
    second.take(break_lock=False)
    assert seen == [held] != [marks.keys[LOCK]]


def test_a_run_that_was_taken_up_and_killed_at_once_has_its_lock_as_long(marks: ScriptedMarks, tmp_path: Path) -> None:
    """What counts is when it was taken up, not when its first process took the lock."""
    claim_of("first", marks, tmp_path).take(break_lock=False)
    marks.time += DEAD
    claim_of("first", marks, tmp_path).take(break_lock=False)
    held, seen = marks.keys[LOCK], list[str]()
    claim_of("second", marks, tmp_path, rest=lambda _holder: seen.append(marks.keys[LOCK])).take(break_lock=False)
    assert seen == [held] != [marks.keys[LOCK]]


def test_a_folder_of_the_same_name_proves_nothing(marks: ScriptedMarks, tmp_path: Path) -> None:
    """Two containers of one name: the journal of the other run is not there, so it is not the same folder."""
    claim_of("first", marks, tmp_path).take(break_lock=False)
    (tmp_path / "first.jsonl").unlink()
    with pytest.raises(PoolLocked):
        claim_of("second", marks, tmp_path).take(break_lock=False)


def test_the_same_run_elsewhere_is_another(marks: ScriptedMarks, tmp_path: Path) -> None:
    """A copy of the journal beside another state folder proves nothing: the lock file there was never held."""
    claim_of("run", marks, tmp_path / "a").take(break_lock=False)
    with pytest.raises(PoolLocked):
        claim_of("run", marks, tmp_path / "b").take(break_lock=False)


def test_a_lock_that_was_renewed_is_not_stale(marks: ScriptedMarks, tmp_path: Path) -> None:
    """Ten minutes count from when the holder was last seen."""
    claim = claim_of("first", marks, tmp_path / "a")
    claim.take(break_lock=False)
    marks.time += LONG - timedelta(seconds=1)
    claim.renew()
    marks.time += LONG - timedelta(seconds=1)
    with pytest.raises(PoolLocked, match="last seen 2026-03-01 01:39:59 UTC"):
        claim_of("second", marks, tmp_path / "b").take(break_lock=False)
    marks.time += timedelta(seconds=1)
    assert "run first" in claim_of("second", marks, tmp_path / "b").take(break_lock=False)
    assert [key for key in marks.keys if "first" in key] == []


@pytest.mark.parametrize(("call", "pending", "broken"), [("VM.pool_migrate", True, False), ("VM.start", True, True)])
def test_a_stale_lock_is_kept_while_a_migration_runs(
    marks: ScriptedMarks, tmp_path: Path, call: str, pending: bool, broken: bool
) -> None:
    """It could be the holder's own: then only who knows better breaks the lock."""
    claim_of("first", marks, tmp_path / "a").take(break_lock=False)
    marks.told = [TaskRow(ref="OpaqueRef:1", call=call, pending=pending, created=marks.time)]
    marks.time += LONG
    second = claim_of("second", marks, tmp_path / "b")
    if not broken:
        with pytest.raises(PoolLocked):
            second.take(break_lock=False)
    assert "run first" in second.take(break_lock=not broken)


def test_a_lock_of_a_run_that_lives_is_not_broken(marks: ScriptedMarks, tmp_path: Path) -> None:
    """Somebody takes it for dead, and it was seen a moment ago: they have to end it, or to wait."""
    claim_of("first", marks, tmp_path / "a").take(break_lock=False)
    marks.time += DEAD - timedelta(seconds=1)
    with pytest.raises(PoolLocked, match="two minutes after it was last seen"):
        claim_of("second", marks, tmp_path / "b").take(break_lock=True)


def test_whose_lock_was_broken_finds_out(marks: ScriptedMarks, tmp_path: Path) -> None:
    """It neither renews nor frees what is another's by now."""
    first, second = claim_of("first", marks, tmp_path / "a"), claim_of("second", marks, tmp_path / "b")
    first.take(break_lock=False)
    marks.time += DEAD
    second.take(break_lock=True)
    assert not first.is_ours()
    assert not first.renew()
    first.release()
    assert second.is_ours()


def test_two_that_break_one_lock(marks: ScriptedMarks, tmp_path: Path) -> None:
    """Whoever comes second, at any call of the first one's breaking, is refused or breaks nothing that is not stale."""
    for point in range(1, 30):
        marks.keys.clear()
        claim_of("dead", marks, tmp_path / "a").take(break_lock=False)
        first, second = claim_of("first", marks, tmp_path / "b"), claim_of("second", marks, tmp_path / "c")
        marks.time += DEAD
        got = beside(marks, point, first.take, second.take)
        assert [run for run, won in got.items() if won] == [each.me.run for each in (first, second) if holds(each)]
        assert list(got.values()).count(True) == 1
        assert [key for key in marks.keys if key.startswith(BREAK)] == []


def holds(claim: PoolClaim) -> bool:
    """Whether a run holds the lock, by the pool's word."""
    return bool(claim.value) and claim.is_ours()


def beside(marks: ScriptedMarks, point: int, *takes: Callable[..., str]) -> dict[str, bool]:
    """Whether each got the lock: the second tries at the *point*-th call of the first, both to break it."""
    got, seen = {"first": False, "second": False}, [0]

    def second(_call: str) -> None:
        seen[0] += 1
        if seen[0] == point:
            got["second"] = tried(takes[1])

    marks.owner.before_each = second
    got["first"] = tried(takes[0])
    marks.owner.before_each = lambda _call: None
    return got


def tried(take: Callable[..., str]) -> bool:
    """Whether it was not refused."""
    try:
        take(break_lock=True)
    except PoolLocked:
        return False
    return True


def test_a_breaker_that_was_killed_over_it_is_in_nobodys_way(marks: ScriptedMarks, tmp_path: Path) -> None:
    """Its guard counts for ten minutes, for others; for itself, taken up again, not at all."""
    claim_of("dead", marks, tmp_path / "a").take(break_lock=False)
    marks.time += DEAD
    breaker, other = claim_of("breaker", marks, tmp_path / "b"), claim_of("other", marks, tmp_path / "c")
    marks.owner.before_each = killed_at("remove_from_pool")
    with pytest.raises(KeyboardInterrupt):
        breaker.take(break_lock=True)
    marks.owner.before_each = lambda _call: None
    with pytest.raises(PoolLocked):
        other.take(break_lock=True)
    assert breaker.take(break_lock=True)
    breaker.release()
    assert marks.keys == {}


def test_a_guard_is_stale_after_ten_minutes(marks: ScriptedMarks, tmp_path: Path) -> None:
    """Somebody else breaks the lock then."""
    claim_of("dead", marks, tmp_path / "a").take(break_lock=False)
    marks.time += DEAD
    marks.owner.before_each = killed_at("remove_from_pool")
    with pytest.raises(KeyboardInterrupt):
        claim_of("breaker", marks, tmp_path / "b").take(break_lock=True)
    marks.owner.before_each = lambda _call: None
    marks.time += LONG
    assert claim_of("other", marks, tmp_path / "c").take(break_lock=False)


def killed_at(call: str) -> Callable[[str], None]:
    """The process ends at the first call of that name."""

    def die(name: str) -> None:
        if name == call:
            raise KeyboardInterrupt

    return die


@pytest.mark.parametrize("text", ["", "{", "[]", '{"run": 5}', "\u202eevil\n", '{"since": "yesterday"}'])
def test_a_lock_that_says_nothing_is_stale(marks: ScriptedMarks, tmp_path: Path, text: str) -> None:
    """Whatever stands there: it is told on one line, and nobody was ever seen."""
    marks.keys[LOCK] = text
    claim_of("run", marks, tmp_path).take(break_lock=False)
    assert "run" in marks.keys[LOCK]

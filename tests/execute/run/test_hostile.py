"""What must not happen to a run although everything around it misbehaves: files, disks, clocks, pool and people."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rebalancer.errors import InputError, InventoryError, StalePlan, StoppedHalfWay
from rebalancer.execute import Ending, RunOptions, execute, learned_pace, read_journal, resume
from rebalancer.execute.journal.cooling import moved_since
from rebalancer.execute.journal.entries import Looked, RunEnded
from rebalancer.execute.journal.folders import lock_path
from rebalancer.execute.journal.journal import Journal
from rebalancer.execute.journal.lock import pool_lock
from rebalancer.execute.journal.outcome import StepState
from rebalancer.inventory import Pool
from rebalancer.placement import Placement
from rebalancer.plan import sealed
from rebalancer.policy import Policy
from rebalancer.problem import pool_at
from tests.execute.carried import LOCAL, PLAN, options
from tests.execute.case import TIMEOUTS
from tests.execute.scripted import HandClock, Script, ScriptedPool, plan_of
from tests.pools import make_host, make_pool, make_vm, policy_of

SIDE_BY_SIDE = policy_of(limits={"concurrent": 2, "in_per_host": 2, "out_per_host": 2, "per_link": 2})


@pytest.fixture
def pool() -> Pool:
    """Three hosts, and VMs a, b and c on the first of them."""
    return make_pool(hosts=[make_host(name) for name in ("h1", "h2", "h3")], vms=[make_vm(name) for name in "abc"])


def place(folder: Path) -> RunOptions:
    """A journal, a state folder, and a clock that only sleeping moves."""
    return RunOptions(
        journal=folder / "journal.jsonl", state_dir=folder / "state", clock=HandClock(), timeouts=TIMEOUTS
    )


def states(journal: Path) -> list[tuple[str, StepState]]:
    """What the journal says of each look."""
    return [(each.step, each.state) for each in read_journal(journal) if isinstance(each, Looked)]


def nth(call: str, number: int, then: Callable[[], None]) -> Callable[[str], None]:
    """Something that happens at the call *number* of the method *call*, and at each one after it."""
    seen = Counter[str]()

    def heard(name: str) -> None:
        seen[name] += 1
        if name == call and seen[name] >= number:
            then()

    return heard


def contradict() -> None:
    """The pool's records do not fit together."""
    raise InventoryError(["VM b is Running on no host of the pool"])


def test_a_pool_that_contradicts_itself_mid_run_lets_what_flies_end(tmp_path: Path, pool: Pool) -> None:
    """The look before the second call cannot be read: the first is followed to its end, and the run says stopped."""
    plan, place_ = plan_of(pool, ("a", "h2"), ("b", "h3"), policy=SIDE_BY_SIDE), place(tmp_path)
    live = ScriptedPool(pool, a=Script(polls=5))
    live.before_each = nth("read", 3, contradict)
    with pytest.raises(StoppedHalfWay, match="VM b is Running on no host"):
        execute(plan, live, place_)
    assert live.sent == [("a", "h2")]
    assert states(place_.journal) == [("s01", StepState.MOVED)]
    assert isinstance(read_journal(place_.journal)[-1], RunEnded)


def test_a_pool_that_contradicts_itself_before_anything_is_sent_is_an_error(tmp_path: Path, pool: Pool) -> None:
    """Nothing was sent, so nothing is called stopped half-way."""
    live = ScriptedPool(pool)
    live.before_each = nth("read", 2, contradict)
    with pytest.raises(InventoryError):
        execute(plan_of(pool, ("a", "h2")), live, place(tmp_path))
    assert live.sent == []


def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """No journal takes the end of a run."""
    append = Journal.append

    def refuse(self: Journal, entry: object) -> None:
        if isinstance(entry, RunEnded):
            raise InputError("journal", "no space left", "Make room")
        append(self, entry)  # type: ignore[arg-type]

    monkeypatch.setattr(Journal, "append", refuse)


def test_a_disk_that_is_full_at_the_end_hides_no_half_way(
    tmp_path: Path, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A VM halted on its way, and the end cannot be written: people hear of the VM, not only of the disk."""
    full(monkeypatch)
    live = ScriptedPool(pool, a=Script(lands=None))
    with pytest.raises(StoppedHalfWay, match="the VM is halted"):
        execute(plan_of(pool, ("a", "h2")), live, place(tmp_path))


def test_a_disk_that_is_full_after_the_last_step_is_not_taken_for_nothing_sent(
    tmp_path: Path, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All steps are done and the end cannot be written: that is stopped, with all steps counted."""
    full(monkeypatch)
    with pytest.raises(StoppedHalfWay, match=r"no space left.*steps done: 1, not started: 0"):
        execute(plan_of(pool, ("a", "h2")), ScriptedPool(pool), place(tmp_path))


def test_a_resumed_vm_without_its_disks_is_still_not_moved(tmp_path: Path) -> None:
    """A VM came without its disk: going on with the plan says so again, and never that the step is done."""
    live = ScriptedPool(LOCAL.pool, web=Script())
    with pytest.raises(StoppedHalfWay, match="not all of its disks have"):
        execute(PLAN, live, options(tmp_path))
    with pytest.raises(StoppedHalfWay, match="not all of its disks have"):
        resume(PLAN, live, options(tmp_path))
    assert states(tmp_path / "journal.jsonl") == [("s01", StepState.ELSEWHERE)] * 2
    live.pool = pool_at(live.pool, Placement({}, {"web": {"web-xvd0": "l2"}}))
    assert resume(PLAN, live, options(tmp_path)).complete


def test_a_vm_put_on_its_target_without_its_disks_is_not_moved(tmp_path: Path) -> None:
    """Between the first look and the look before its call somebody moves the VM alone: the step is not called done."""
    live = ScriptedPool(LOCAL.pool)
    live.before_each = nth("whereabouts", 1, lambda: live.put("web", "h2"))
    with pytest.raises(Exception, match="disks"):
        execute(PLAN, live, options(tmp_path))
    assert states(tmp_path / "journal.jsonl") == [("s01", StepState.ELSEWHERE)]
    assert live.sent == []


@pytest.mark.parametrize("body", ["secret", '{"format": "something", "steps": []}', "\0\1\2"])
def test_a_file_that_is_no_journal_is_never_cut(tmp_path: Path, pool: Pool, body: str) -> None:
    """A file without a newline looks like a torn line: it is refused, and stays as it is."""
    path = tmp_path / "journal.jsonl"
    path.write_text(body)
    with pytest.raises(InputError, match="no journal"):
        execute(plan_of(pool, ("a", "h2")), ScriptedPool(pool), place(tmp_path))
    assert path.read_text() == body


@pytest.mark.parametrize("length", range(0, 60, 7))
def test_a_torn_first_line_is_no_reason_to_stop(tmp_path: Path, pool: Pool, length: int) -> None:
    """A machine that died in the first line of its journal has sent nothing: the plan is carried out."""
    made = place(tmp_path)
    execute(plan_of(pool, ("a", "h2")), ScriptedPool(pool), made)
    made.journal.write_bytes(made.journal.read_bytes()[:length])
    assert execute(plan_of(pool, ("a", "h2")), ScriptedPool(pool), made).complete


@pytest.mark.parametrize("name", ["../../outside", "/outside", "..", "", "a/b", "x\0y", "x\ny"])
def test_a_pool_whose_uuid_is_a_path_gets_no_lock(tmp_path: Path, name: str) -> None:
    """A uuid comes out of a plan file: nothing outside the folder of locks is made by it."""
    with pytest.raises(InputError, match="uuid"), pool_lock(name, tmp_path / "state"):
        pytest.fail("a lock was taken")
    assert not list(tmp_path.rglob("*outside*"))


def test_a_lock_or_journal_behind_a_link_is_refused(tmp_path: Path, pool: Pool) -> None:
    """Whoever can make names in the state folder cannot lead a run to a file of somebody else."""
    victim = tmp_path / "victim"
    victim.write_text("")
    made = place(tmp_path)
    made.journal.symlink_to(victim)
    with pytest.raises(InputError, match="journal"):
        execute(plan_of(pool, ("a", "h2")), ScriptedPool(pool), made)
    made.journal.unlink()
    lock = lock_path(pool.uuid, made.state_dir)
    lock.unlink()
    lock.symlink_to(victim)
    with pytest.raises(InputError, match="lock"):
        execute(plan_of(pool, ("a", "h2")), ScriptedPool(pool), made)
    assert victim.read_text() == ""


def test_nobody_else_may_write_journals_and_locks(tmp_path: Path, pool: Pool) -> None:
    """Even where the mask of the shell would let everybody write, only the owner may."""
    made, mask = place(tmp_path / "fresh"), os.umask(0)
    try:
        execute(plan_of(pool, ("a", "h2")), ScriptedPool(pool), made)
    finally:
        os.umask(mask)
    for path in (tmp_path / "fresh").rglob("*"):
        assert not path.stat().st_mode & 0o022, path


class JumpingClock(HandClock):
    """A clock that somebody sets back by *hours* once the first second was slept."""

    def __init__(self, hours: float) -> None:
        super().__init__()
        self.hours = hours

    def now(self) -> datetime:
        """The time on the wall."""
        return super().now() - timedelta(hours=self.hours if self.seconds else 0.0)


@pytest.mark.parametrize("hours", [-5.0, 5.0])
def test_a_clock_that_is_set_buys_no_time(tmp_path: Path, pool: Pool, hours: float) -> None:
    """With time for one step, set back or forward by hours: the second step is not begun."""
    plan = plan_of(pool, ("a", "h2"), ("b", "h3"))
    made = replace(place(tmp_path), clock=JumpingClock(hours))
    deadline = HandClock().now() + timedelta(seconds=plan.steps[0].seconds + 1)
    live = ScriptedPool(pool, a=Script(polls=40))
    result = execute(plan, live, replace(made, deadline=deadline))
    assert (result.ending, live.sent) == (Ending.DEADLINE, [("a", "h2")])


def test_a_plan_from_the_future_is_refused(tmp_path: Path, pool: Pool) -> None:
    """A plan that says it was made tomorrow would never expire."""
    plan = plan_of(pool, ("a", "h2"), policy=Policy())
    day = timedelta(days=400)
    late = sealed(replace(plan, made_at=plan.made_at + day, expires_at=plan.expires_at + day))
    live = ScriptedPool(pool)
    with pytest.raises(StalePlan, match="future"):
        execute(late, live, place(tmp_path))
    assert live.sent == []


def test_one_damaged_journal_does_not_stop_every_night(tmp_path: Path, pool: Pool) -> None:
    """A journal that lost a line teaches nothing, and planning goes on without it."""
    state = tmp_path / "state"
    journal = state / "journals" / "one.jsonl"
    execute(plan_of(pool, ("a", "h2"), ("b", "h3")), ScriptedPool(pool), replace(place(tmp_path), journal=journal))
    assert moved_since(pool.uuid, datetime.min.replace(tzinfo=UTC), state).keys() == {"a", "b"}
    journal.write_text("".join(line + "\n" for line in journal.read_text().splitlines() if "intended" not in line))
    assert moved_since(pool.uuid, datetime.min.replace(tzinfo=UTC), state) == {}
    assert learned_pace(pool.uuid, state).steps == 0

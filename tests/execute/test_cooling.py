"""VMs that moved a short while ago rather stay: journals tell which, and other pools and old moves do not count."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from rebalancer.execute.cooling import cooled, moved_since
from rebalancer.execute.journal import Entry, Intended, Journal, Looked, RunBegan
from rebalancer.execute.outcome import StepState
from rebalancer.policy import intent_of
from tests.execute.scripted import MADE_AT
from tests.pools import make_host, make_pool, make_vm, policy_of

POOL = make_pool(
    hosts=[make_host("h1"), make_host("h2")], vms=[make_vm("a", on="h1"), make_vm("b", on="h1"), make_vm("c", on="h2")]
)


def journal(folder: Path, vm: str, at: datetime, *, state: StepState = StepState.MOVED, pool: str = POOL.uuid) -> None:
    """A journal in which *vm* was looked at after its step."""
    entries: list[Entry] = [
        RunBegan(at=at, plan="sha256:1", pool=pool),
        Intended(at=at, step="s1", vm=vm, source="h1", target="h2"),
        Looked(at=at, step="s1", state=state, power_state="Running", resident_on="h2"),
    ]
    with Journal(folder / "journals" / f"{vm}-{at:%d%H}-{state}-{pool}.jsonl") as written:
        for entry in entries:
            written.append(entry)


def test_moves_of_this_pool_since_then_count(tmp_path: Path) -> None:
    """Not an older one, not one that failed, not one of another pool; of two moves of a VM the later counts."""
    hour = timedelta(hours=1)
    journal(tmp_path, "a", MADE_AT - 2 * hour)
    journal(tmp_path, "a", MADE_AT - hour)
    journal(tmp_path, "b", MADE_AT - 30 * hour)
    journal(tmp_path, "c", MADE_AT - hour, state=StepState.STAYED)
    journal(tmp_path, "c", MADE_AT - hour, pool="elsewhere")
    assert moved_since(POOL.uuid, MADE_AT - 24 * hour, tmp_path) == {"a": MADE_AT - hour}


def test_they_join_the_last_resorts_of_the_policy(tmp_path: Path) -> None:
    """By uuid, as long as they are guests of the pool; what the policy names stays."""
    journal(tmp_path, "a", MADE_AT - timedelta(hours=1))
    journal(tmp_path, "gone", MADE_AT - timedelta(hours=1))
    policy = policy_of(last_resort=["c"], limits={"cool_down_hours": 24})
    warm = cooled(policy, POOL, MADE_AT, tmp_path)
    assert warm.last_resort == ("c", "a")
    assert intent_of(warm, POOL).last_resort.keys() == {"a", "c"}


def test_without_cool_down_nothing_changes(tmp_path: Path) -> None:
    """The policy is the one that was given."""
    journal(tmp_path, "a", MADE_AT)
    assert cooled(policy_of(), POOL, MADE_AT, tmp_path) == policy_of()

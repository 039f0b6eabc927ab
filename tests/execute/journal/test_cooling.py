"""VMs that moved a short while ago rest: journals tell which, and other pools and old moves do not count."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from rebalancer.execute.journal.cooling import cooled, moved_since
from rebalancer.execute.journal.entries import Entry, Intended, Looked, RunBegan
from rebalancer.execute.journal.journal import Journal
from rebalancer.execute.journal.outcome import StepState
from rebalancer.export import plan_from_json, plan_json
from rebalancer.policy import intent_of
from rebalancer.verify.verify import verify_plan
from tests.execute.scripted import MADE_AT
from tests.plan.made import demand_of, plan_of
from tests.pools import make_host, make_pool, make_vm, policy_of, problem_of

DAY = timedelta(days=1)
HOUR_AGO = MADE_AT - timedelta(hours=1)
POOL = make_pool(
    hosts=[make_host("h1"), make_host("h2")], vms=[make_vm("a", on="h2"), make_vm("b", on="h1"), make_vm("c", on="h2")]
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


def test_they_cool_down_beside_the_last_resorts_of_the_policy(tmp_path: Path) -> None:
    """By uuid, as long as they are guests of the pool, with when they moved; what the policy names stays."""
    journal(tmp_path, "a", MADE_AT - timedelta(hours=1))
    journal(tmp_path, "gone", MADE_AT - timedelta(hours=1))
    policy = policy_of(last_resort=["c"], limits={"cool_down_hours": 24})
    warm = cooled(policy, POOL, MADE_AT, tmp_path)
    assert [(each.vm, each.moved_at, each.until) for each in warm.cooling] == [("a", HOUR_AGO, HOUR_AGO + DAY)]
    intent = intent_of(warm, POOL)
    assert (set(intent.last_resort), set(intent.cooling)) == ({"a", "c"}, {"a"})
    assert intent.last_resort["a"] == "it moved at 2026-03-01 00:00 UTC and cools down until 2026-03-02 00:00 UTC"


def test_a_vm_that_somebody_else_moved_since_does_not_cool_down(tmp_path: Path) -> None:
    """It is not where its move led it: nobody keeps it there."""
    journal(tmp_path, "b", HOUR_AGO)
    policy = policy_of(limits={"cool_down_hours": 24})
    assert cooled(policy, POOL, MADE_AT, tmp_path).cooling == ()


def test_a_vm_that_is_a_last_resort_anyway_does_not_cool_down(tmp_path: Path) -> None:
    """What the policy says of it counts: it is one afterwards, too."""
    journal(tmp_path, "a", HOUR_AGO)
    warm = cooled(policy_of(last_resort=["a"], limits={"cool_down_hours": 24}), POOL, MADE_AT, tmp_path)
    intent = intent_of(warm, POOL)
    assert (intent.last_resort, intent.cooling) == ({"a": "policy last_resort 'a'"}, frozenset())


def test_a_vm_that_cools_down_may_halt() -> None:
    """A plan is not refused because a VM that cooled down when it was made does not run any more."""
    policy = policy_of(cooling=[{"vm": "gone", "moved_at": HOUR_AGO, "until": MADE_AT}])
    assert intent_of(policy, POOL).last_resort == {}


def test_a_plan_says_who_is_a_last_resort_while_it_cools_down_and_until_when() -> None:
    """Its host stays over the threshold, the VM could go elsewhere, and the plan is accepted."""
    pool = make_pool(hosts=[make_host("h1"), make_host("h2")], vms=[make_vm("a"), make_vm("b")])
    policy = policy_of(cooling=[{"vm": "a", "moved_at": HOUR_AGO, "until": HOUR_AGO + DAY}])
    problem = problem_of(pool, demand=demand_of(pool, {"a": 9.0, "b": 9.0}), policy=policy)
    plan = plan_of(problem, problem.initial)
    left = {each.uuid: (each.rule, each.words) for each in plan.left_alone}
    assert left["a"][0] == "last-resort"
    assert "moved at 2026-03-01 00:00 UTC and cools down until 2026-03-02 00:00 UTC" in left["a"][1]
    assert left["b"][0] == "does-not-pay"
    assert verify_plan(plan, pool, now=plan.made_at) == ()
    assert verify_plan(plan_from_json(plan_json(plan), "here"), pool, now=plan.made_at) == ()


def failed(folder: Path, vm: str, *days_ago: float) -> None:
    """Journals of nights on which XAPI refused to move *vm*, before anything was intended."""
    for days in days_ago:
        at = MADE_AT - days * DAY
        look = Looked(
            at=at,
            step="s1",
            state=StepState.REFUSED,
            power_state="Running",
            resident_on="h1",
            error=("NO", "OpaqueRef:1"),
            vm=vm,
        )
        with Journal(folder / "journals" / f"{vm}-{days}.jsonl") as written:
            written.append(RunBegan(at=at, plan="sha256:1", pool=POOL.uuid))
            written.append(look)


@pytest.mark.parametrize(
    ("days_ago", "left_for"),
    [
        ((0.5,), 1),
        ((1.001,), 1),
        ((1.6,), None),
        ((3, 0.5), 2),
        ((3, 2.9, 0.5), 2),
        ((9, 7, 5, 3), 8),
        ((19, 17, 15, 13, 7.5), 8),
    ],
)
def test_a_vm_whose_move_failed_is_left_alone_for_longer_and_longer(
    tmp_path: Path, days_ago: tuple[float, ...], left_for: float | None
) -> None:
    """A night, two, four, eight, and half a day, as nights begin at odd minutes; of two in one night one counts."""
    failed(tmp_path, "a", *days_ago)
    alone = {each.vm: each.until - MADE_AT for each in cooled(policy_of(), POOL, MADE_AT, tmp_path).cooling}
    assert alone == ({} if left_for is None else {"a": (left_for + 0.5 - days_ago[-1]) * DAY})


def test_a_move_that_succeeds_ends_the_row(tmp_path: Path) -> None:
    """The next failure is the first again."""
    failed(tmp_path, "a", 9, 7, 0.5)
    journal(tmp_path, "a", MADE_AT - 5 * DAY)
    (alone,) = cooled(policy_of(), POOL, MADE_AT, tmp_path).cooling
    assert alone.until - MADE_AT == DAY
    assert alone.words("UTC") == (
        "its move failed at 2026-02-28 13:00 UTC with NO, and it is left alone until 2026-03-02 01:00 UTC"
    )


def test_nobody_is_left_alone_where_the_policy_says_so(tmp_path: Path) -> None:
    """No nights, no rest."""
    failed(tmp_path, "a", 0.5)
    policy = policy_of(limits={"leave_alone_nights": []})
    assert cooled(policy, POOL, MADE_AT, tmp_path) == policy


@pytest.mark.parametrize("times", [{}, {"moved_at": HOUR_AGO, "failed_at": HOUR_AGO}])
def test_one_reason_to_rest_is_needed(times: dict[str, datetime]) -> None:
    """Neither none nor two."""
    with pytest.raises(ValidationError, match="either moved_at or failed_at"):
        policy_of(cooling=[{"vm": "a", "until": MADE_AT, **times}])


def test_without_cool_down_nothing_changes(tmp_path: Path) -> None:
    """The policy is the one that was given."""
    journal(tmp_path, "a", MADE_AT)
    assert cooled(policy_of(), POOL, MADE_AT, tmp_path) == policy_of()

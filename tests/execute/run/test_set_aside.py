"""A step that fails and leaves its VM where it was is set aside with what waits for it; the others go on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from rebalancer.cli.carrying import exit_of_run
from rebalancer.cli.exits import Exit
from rebalancer.errors import StalePlan, StoppedHalfWay
from rebalancer.execute import Ending, execute, resume
from rebalancer.execute.journal.cooling import cooled
from rebalancer.execute.journal.entries import Intended, RunBegan, RunEnded, Sent
from rebalancer.execute.journal.journal import Journal
from rebalancer.execute.journal.outcome import StepState
from rebalancer.inventory import Pool
from rebalancer.policy import Policy
from rebalancer.xapi import TaskStatus
from tests.execute.case import Case, refusal, where
from tests.execute.scripted import MADE_AT, Script, ScriptedPool, plan_of
from tests.pools import make_host, make_pool, make_vm, policy_of

LACKS = refusal("VM_LACKS_FEATURE", "OpaqueRef:a")
REFUSED = Script(refused=LACKS)
FAILED = Script(status=TaskStatus.FAILURE, error=("VM_MIGRATE_FAILED",), lands="h1")


@pytest.mark.parametrize(
    ("script", "state", "words"),
    [
        (
            REFUSED,
            StepState.REFUSED,
            "s01 a: XAPI refuses it (VM_LACKS_FEATURE OpaqueRef:a)",
        ),
        (
            FAILED,
            StepState.STAYED,
            "s01 a: the migration failed and the VM still runs on h1 (VM_MIGRATE_FAILED)",
        ),
    ],
)
def test_the_others_go_on(case: Case, pool: Pool, script: Script, state: StepState, words: str) -> None:
    """Both kinds of failure, told with their reason; the next run tries again."""
    live = ScriptedPool(pool, a=[script, Script()])
    plan = plan_of(pool, ("a", "h2"), ("b", "h3"), ("c", "h2"), policy=Policy())
    result = execute(plan, live, case.options)
    assert (result.ending, result.done, result.left) == (Ending.SET_ASIDE, ("s02", "s03"), ("s01",))
    assert case.looks[0] == ("s01", state)
    assert [each.vm for each in result.held] == ["a"]
    assert words in str(result)
    assert resume(plan, live, case.options).complete
    assert where(live) == {"a": "h2", "b": "h3", "c": "h2"}


def test_what_waits_for_it_is_left_with_it(case: Case) -> None:
    """VM in takes the room that VM out does not leave; VM by goes where it likes."""
    hosts = [make_host(name, memory_total_bytes=40 * 2**30) for name in ("h1", "h2", "h3", "h4")]
    vms = [make_vm("out", on="h1", gib=28), make_vm("in", on="h2", gib=28), make_vm("by", on="h3", gib=2)]
    pool = make_pool(hosts=hosts, vms=vms)
    live = ScriptedPool(pool, out=[REFUSED])
    plan = plan_of(pool, ("out", "h3"), ("in", "h1"), ("by", "h4"), policy=Policy())
    result = execute(plan, live, case.options)
    assert (result.ending, result.done, result.left) == (Ending.SET_ASIDE, ("s02",), ("s01", "s03"))
    assert result.held[1].words == "waits for s01"


def test_a_group_is_not_left_half_way(case: Case, pool: Pool) -> None:
    """What may not be made without the step that failed is not waited for, either."""
    policy = policy_of(together=[{"name": "pair", "vms": ["a", "b"]}], limits={"concurrent": 1})
    live = ScriptedPool(pool, a=[REFUSED])
    plan = plan_of(pool, ("a", "h2"), ("b", "h2"), ("c", "h3"), policy=policy)
    result = execute(plan, live, case.options)
    assert (result.ending, result.done) == (Ending.SET_ASIDE, ("s03",))
    assert result.held[1].words == "would leave a group half-way without s01: its end would not be legal"
    assert case.clock.seconds < 60


def test_too_many_of_them_stop_the_run(case: Case, pool: Pool) -> None:
    """The second of two that the policy allows; nothing more is begun, and both are told."""
    policy = policy_of(execution={"stop_after_failures": 2}, limits={"concurrent": 1})
    live = ScriptedPool(pool, a=[FAILED], b=[REFUSED])
    with pytest.raises(StoppedHalfWay, match=r"VM_LACKS_FEATURE.*VM_MIGRATE_FAILED") as stopped:
        execute(plan_of(pool, ("a", "h2"), ("b", "h3"), ("c", "h2"), policy=policy), live, case.options)
    assert where(live) == {"a": "h1", "b": "h1", "c": "h1"}
    assert "steps done: 0" in str(stopped.value)
    what, advice, before = stopped.value.facts
    assert (what[:19], before[:13]) == ("stopped: step s02, ", "before, s01: ")
    assert advice == "The VM is where it was. Mend the cause and resume, or make a new plan"
    assert isinstance(case.entries[-1], RunEnded)
    assert "\n" not in case.entries[-1].words


def test_where_nothing_was_sent_the_plan_is_stale(case: Case, pool: Pool) -> None:
    """XAPI refuses whatever it is asked: all that has changed is what is known."""
    policy = policy_of(execution={"stop_after_failures": 2}, limits={"concurrent": 1})
    live = ScriptedPool(pool, a=[REFUSED], b=[REFUSED])
    with pytest.raises(StalePlan, match="VM_LACKS_FEATURE"):
        execute(plan_of(pool, ("a", "h2"), ("b", "h3"), ("c", "h2"), policy=policy), live, case.options)
    assert live.sent == []


PAIR = [{"name": "pair", "vms": ["a", "b"]}]


def test_what_failed_before_a_kill_waits_for_the_next_run(case: Case, pool: Pool) -> None:
    """Taken up, its task has failed: it is set aside, not tried again, and nobody of its group goes without it."""
    wide = {"concurrent": 3, "in_per_host": 3, "out_per_host": 3}
    live = ScriptedPool(pool, a=[FAILED, Script()])
    plan = plan_of(pool, ("a", "h2"), ("b", "h2"), ("c", "h3"), policy=policy_of(together=PAIR, limits=wide))
    with Journal(case.journal) as journal:
        task = live.migrate("a", "h2")
        journal.append(RunBegan(at=MADE_AT, plan=plan.digest, pool=pool.uuid))
        journal.append(Intended(at=MADE_AT, step="s01", vm="a", source="h1", target="h2"))
        journal.append(Sent(at=MADE_AT, step="s01", task=task))
    result = resume(plan, live, case.options)
    assert (result.ending, result.failed, where(live)) == (
        Ending.SET_ASIDE,
        ("s01",),
        {"a": "h1", "b": "h1", "c": "h3"},
    )
    assert resume(plan, live, case.options).complete


def test_people_are_told_of_a_group_that_is_left_half_way(case: Case, pool: Pool) -> None:
    """The first of two VMs that share a host has moved when the second fails: no plan ends so."""
    policy = policy_of(together=PAIR, limits={"concurrent": 1})
    live = ScriptedPool(pool, b=[FAILED, Script()])
    plan = plan_of(pool, ("a", "h2"), ("b", "h2"), ("c", "h3"), policy=policy)
    with pytest.raises(StoppedHalfWay, match=r"'pair'.*keep-together.*s02: the migration failed") as stopped:
        execute(plan, live, case.options)
    assert where(live) == {"a": "h2", "b": "h1", "c": "h3"}
    assert "steps done: 2" in str(stopped.value)
    assert resume(plan, live, case.options).complete


def test_a_deadline_does_not_hide_a_failure(case: Case, pool: Pool) -> None:
    """What failed is left for later by its code, whatever else there was no time for."""
    plan = plan_of(pool, ("a", "h2"), ("b", "h3"), policy=policy_of(limits={"concurrent": 1}))
    deadline = case.clock.now() + timedelta(seconds=plan.steps[0].seconds + 1)
    live = ScriptedPool(pool, a=[FAILED])
    result = execute(plan, live, replace(case.options, deadline=deadline))
    assert (result.ending, result.failed, exit_of_run(result)) == (Ending.DEADLINE, ("s01",), Exit.LATER)


def test_what_people_cancel_is_no_failure(case: Case, pool: Pool) -> None:
    """Asked to stop twice, the run cancels the migration: the VM is not left alone for it on the next nights."""
    live, polls = ScriptedPool(pool, a=[Script(polls=50)]), count()

    def ask(call: str) -> None:
        if call == "task" and next(polls) in {2, 4}:
            case.stop.ask()

    live.before_each = ask
    state = case.journal.parent / "state"
    options = replace(case.options, journal=state / "journals" / "x.jsonl", state_dir=state)
    with pytest.raises(StoppedHalfWay, match="as somebody asked"):
        execute(plan_of(pool, ("a", "h2"), policy=Policy()), live, options)
    assert where(live)["a"] == "h1"
    assert cooled(policy_of(), pool, case.clock.now() + timedelta(hours=20), state).cooling == ()

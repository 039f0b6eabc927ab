"""What a person says of a step that nobody knows the outcome of."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from rebalancer.errors import InputError, PoolLocked, StoppedHalfWay
from rebalancer.execute import Saying, Seen, read_journal, resolve_step, resume
from rebalancer.execute.claim.fence import STEP
from rebalancer.execute.claim.pool_claim import LOCK
from rebalancer.execute.journal.entries import Intended, Resolved, RunBegan, Sent
from rebalancer.execute.journal.journal import Journal
from rebalancer.execute.journal.lock import pool_lock
from rebalancer.execute.journal.outcome import StepState
from rebalancer.inventory import Pool
from rebalancer.plan import Plan
from rebalancer.xapi import TaskRow
from tests.execute.case import ALL_MOVED, Case, where
from tests.execute.scripted import MADE_AT, ScriptedPool

NOT_SENT = Saying(step="s01", seen=Seen.NOT_SENT, by="jane", reason="xe task-list is empty")
MOVED = replace(NOT_SENT, seen=Seen.MOVED)
QUEUED = TaskRow(ref="OpaqueRef:q", call="VM.pool_migrate", pending=True, created=MADE_AT)


@pytest.fixture
def live(case: Case, plan: Plan, pool: Pool) -> ScriptedPool:
    """A pool of which a run was killed once its first step was about to be sent, and that forgot its tasks."""
    step = plan.steps[0]
    with Journal(case.journal) as journal:
        journal.append(RunBegan(at=MADE_AT, plan=plan.digest, pool=plan.made_from.pool, run="run"))
        journal.append(
            Intended(at=MADE_AT, step=step.id, vm=step.vm, source=step.source, target=step.target, marked=True)
        )
    live = ScriptedPool(pool)
    live.change("a", other_config={STEP: f'{{"run": "run", "step": "s01", "plan": "{plan.digest}", "toolstacks": []}}'})
    live.pool = replace(live.pool, hosts={uuid: replace(each, other_config={}) for uuid, each in pool.hosts.items()})
    return live


def test_a_call_that_was_never_sent_is_made(case: Case, plan: Plan, live: ScriptedPool) -> None:
    """Without it the run stops for ever; with it, it goes on, and the journal says who said what."""
    with pytest.raises(StoppedHalfWay, match="rebalancer resolve PLAN s01 URL --not-sent"):
        resume(plan, live, case.options)
    resolve_step(plan, NOT_SENT, case.options, live)
    said = read_journal(case.journal)[-1]
    assert isinstance(said, Resolved)
    assert (said.by, said.reason, said.state) == ("jane", "xe task-list is empty", StepState.UNSENT)
    assert (live.marks.keys, live.pool.vms["a"].other_config) == ({}, {})
    assert resume(plan, live, case.options).complete
    assert where(live) == ALL_MOVED


def test_a_vm_that_moved_is_done(case: Case, plan: Plan, live: ScriptedPool) -> None:
    """The pool shows it there: nothing is sent for it any more."""
    live.put("a", "h2")
    resolve_step(plan, MOVED, case.options, live)
    assert resume(plan, live, case.options).complete
    assert live.sent == [("b", "h3"), ("c", "h2")]


@pytest.mark.parametrize("said", [NOT_SENT, MOVED])
def test_the_pool_has_to_show_it(case: Case, plan: Plan, live: ScriptedPool, said: Saying) -> None:
    """A VM that is elsewhere is neither where it was nor where it was to be."""
    live.put("a", "h3")
    with pytest.raises(InputError, match="on host h3"):
        resolve_step(plan, said, case.options, live)
    assert live.marks.keys == {}


def test_a_pending_task_speaks_against_it(case: Case, plan: Plan, live: ScriptedPool) -> None:
    """It may be the very call."""
    live.marks.told = [QUEUED]
    with pytest.raises(InputError, match="task OpaqueRef:q"):
        resolve_step(plan, NOT_SENT, case.options, live)


def test_a_busy_vm_speaks_against_it(case: Case, plan: Plan, live: ScriptedPool) -> None:
    """Whatever it is, it may change where the VM is."""
    live.change("a", current_operations=("pool_migrate",))
    with pytest.raises(InputError, match="busy: pool_migrate"):
        resolve_step(plan, NOT_SENT, case.options, live)


def test_a_vm_that_the_pool_lost_is_neither(case: Case, plan: Plan, live: ScriptedPool) -> None:
    """It was deleted."""
    live.pool = replace(live.pool, vms={uuid: vm for uuid, vm in live.pool.vms.items() if uuid != "a"})
    with pytest.raises(InputError, match="UUID_INVALID"):
        resolve_step(plan, MOVED, case.options, live)


def test_without_the_pool_time_has_to_pass(case: Case, plan: Plan, live: ScriptedPool) -> None:
    """XAPI lets a call wait for two hours; after that it can be said without a look."""
    with pytest.raises(InputError, match="two hours"):
        resolve_step(plan, NOT_SENT, case.options)
    case.clock.sleep(timedelta(hours=2).total_seconds())
    resolve_step(plan, NOT_SENT, case.options)
    assert resume(plan, live, case.options).complete


def test_what_was_sent_was_sent(case: Case, plan: Plan, live: ScriptedPool) -> None:
    """The journal has its task."""
    with Journal(case.journal) as journal:
        journal.append(Sent(at=MADE_AT, step="s01", task="OpaqueRef:7"))
    with pytest.raises(InputError, match="as task OpaqueRef:7"):
        resolve_step(plan, NOT_SENT, case.options, live)


@pytest.mark.parametrize(
    ("step", "words"), [("s02", "nothing is open: by .*jsonl it was never begun. Name"), ("s99", "no such step")]
)
def test_only_what_is_open_is_resolved(case: Case, plan: Plan, live: ScriptedPool, step: str, words: str) -> None:
    """A step that was never begun, and one that there is not."""
    with pytest.raises(InputError, match=words):
        resolve_step(plan, replace(NOT_SENT, step=step), case.options, live)


def test_a_run_that_goes_on_is_not_spoken_for(case: Case, plan: Plan, live: ScriptedPool) -> None:
    """Here by the lock file, elsewhere by the lock in the pool."""
    live.marks.keys[LOCK] = f'{{"run": "other", "since": "{live.marks.time.isoformat()}"}}'
    with pytest.raises(PoolLocked):
        resolve_step(plan, NOT_SENT, case.options, live)
    with pool_lock(plan.made_from.pool, case.options.state_dir), pytest.raises(PoolLocked):
        elsewhere(lambda: resolve_step(plan, NOT_SENT, case.options))


def elsewhere(call: Callable[[], object]) -> None:
    """Call from another thread: a thread that holds a lock may take it again."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(call).result()

"""A pool that does not answer for a while, or never again."""

from __future__ import annotations

from pathlib import Path

import pytest

from rebalancer.errors import (
    CertificateMismatch,
    InventoryError,
    LoginRefused,
    RefusedByXapi,
    StoppedHalfWay,
    Unreachable,
    XapiError,
)
from rebalancer.execute import execute, read_journal, resume
from rebalancer.execute.journal.entries import Looked
from rebalancer.execute.journal.outcome import StepState
from rebalancer.inventory import Pool
from rebalancer.plan.plan import Plan
from tests.execute.carried import LOCAL, PLAN, options
from tests.execute.case import DOWN, LOST, TIMEOUTS, Case, refusal
from tests.execute.scripted import Script, ScriptedPool
from tests.execute.watchful import WatchfulPool, wide_plan, wide_pool


def test_a_pool_that_comes_back_does_not_disturb(case: Case, plan: Plan, pool: Pool) -> None:
    """Reads are asked again while the coordinator is away, in the middle of a migration too."""
    live, calls = ScriptedPool(pool), list[str]()

    def flap(call: str) -> None:
        calls.append(call)
        if call in {"read", "task", "whereabouts", "assert_may_migrate"} and len(calls) % 3 == 0:
            raise DOWN

    live.before_each = flap
    assert execute(plan, live, case.options).complete
    assert len(live.sent) == 3


def test_a_toolstack_that_is_starting_is_waited_for(case: Case, plan: Plan, pool: Pool) -> None:
    """HOST_STILL_BOOTING to a question, in the middle of a migration, is no answer."""
    live, calls = ScriptedPool(pool), list[str]()

    def boot(call: str) -> None:
        calls.append(call)
        if call in {"read", "task", "whereabouts"} and len(calls) % 3 == 0:
            raise refusal("HOST_STILL_BOOTING")

    live.before_each = boot
    assert execute(plan, live, case.options).complete
    assert len(live.sent) == 3


def test_a_pool_that_never_answers_moved_nothing(case: Case, plan: Plan, pool: Pool) -> None:
    """Before anything was sent it is no half-way stop, just a pool that cannot be reached."""
    live = ScriptedPool(pool)

    def down(_call: str) -> None:
        raise DOWN

    live.before_each = down
    with pytest.raises(Unreachable):
        execute(plan, live, case.options)
    assert case.clock.seconds == pytest.approx(TIMEOUTS.unreachable, abs=2)


def test_a_pool_that_is_lost_during_a_migration_leaves_it_unknown(case: Case, plan: Plan, pool: Pool) -> None:
    """Nobody can tell where the VM is, so nothing more is sent, and the journal says so."""
    live = ScriptedPool(pool)

    def down(call: str) -> None:
        if live.sent and call in {"task", "whereabouts"}:
            raise DOWN

    live.before_each = down
    with pytest.raises(StoppedHalfWay, match="does not tell"):
        execute(plan, live, case.options)
    assert case.looks == [("s01", StepState.UNKNOWN)]


def test_several_steps_on_their_way_wait_for_a_silent_pool_together(case: Case) -> None:
    """One silence is waited for once, not once for each of them; all are unknown then."""
    live = WatchfulPool(wide_pool())

    def down(call: str) -> None:
        if len(live.sent) > 1 and call in {"task", "whereabouts"}:
            raise DOWN

    live.before_each = down
    with pytest.raises(StoppedHalfWay, match="does not tell"):
        execute(wide_plan(live.pool), live, case.options)
    assert len(case.looks) == len(live.sent) > 1
    assert case.clock.seconds < 2 * TIMEOUTS.unreachable


STRANGER = CertificateMismatch("https://h1", "its certificate is another one", "Compare it")
LOCKED_OUT = LoginRefused("https://h1", "user root or its password is refused", "Check both")
OF_THE_WAY: list[XapiError] = [
    STRANGER,
    LOCKED_OUT,
    refusal("TOO_MANY_PENDING_TASKS"),
    refusal("HOST_HAS_NO_MANAGEMENT_IP"),
]
OF_LOOKS: list[XapiError] = [
    refusal("INTERNAL_ERROR", "x"),
    refusal("CANNOT_CONTACT_HOST", "h1"),
    refusal("SESSION_INVALID", "x"),
]


def raising(live: ScriptedPool, error: Exception, *calls: str, times: int) -> None:
    """Let *calls* fail so often once anything was sent."""
    left = [error] * times

    def fail(call: str) -> None:
        if live.sent and call in calls and left:
            raise left.pop()

    live.before_each = fail


@pytest.mark.parametrize("error", OF_THE_WAY + OF_LOOKS, ids=lambda each: getattr(each, "code", type(each).__name__))
@pytest.mark.parametrize("call", ["task", "whereabouts"])
def test_what_is_wrong_with_the_way_leaves_no_step_unwatched(
    case: Case, plan: Plan, pool: Pool, error: XapiError, call: str
) -> None:
    """A certificate that changed, a login that is refused, a toolstack that fails: the step is looked at again."""
    live = ScriptedPool(pool)
    looks = call == "task" or error in OF_THE_WAY
    raising(live, error, call, times=3 if looks else 1)
    if call == "whereabouts" and error in OF_LOOKS:
        live.scripts["a"] = [Script(send=LOST, taken=True)]
    assert execute(plan, live, case.options).complete
    assert len(live.sent) == 3


def test_a_vm_that_has_arrived_needs_no_task(case: Case, plan: Plan, pool: Pool) -> None:
    """Where nobody can ask for the task, what the VM shows counts: the step is done, and the run goes on."""
    live = ScriptedPool(pool)

    def lose_the_first_task(call: str) -> None:
        if len(live.sent) == 1 and call == "task":
            live.change("a", resident_on="h2", scheduled_to_be_resident_on=None, current_operations=())
            raise DOWN

    live.before_each = lose_the_first_task
    assert execute(plan, live, case.options).complete
    assert case.looks[0] == ("s01", StepState.MOVED)


def test_few_logins_are_tried_in_one_silence(case: Case, plan: Plan, pool: Pool) -> None:
    """Accounts are locked by programs that try a password again and again; at its end the step is unknown."""
    live, asked = ScriptedPool(pool), list[str]()

    def refuse(call: str) -> None:
        if live.sent and call in {"task", "whereabouts"}:
            asked.append(call)
            raise LOCKED_OUT

    live.before_each = refuse
    with pytest.raises(StoppedHalfWay, match="its password is refused"):
        execute(plan, live, case.options)
    assert case.looks == [("s01", StepState.UNKNOWN)]
    assert len(asked) <= 5


@pytest.mark.parametrize("error", [STRANGER, LOCKED_OUT])
def test_a_way_that_stays_wrong_is_told(case: Case, plan: Plan, pool: Pool, error: XapiError) -> None:
    """Once the time-out is over the run stops half-way, with what was wrong with the way, and not before."""
    live = ScriptedPool(pool)
    raising(live, error, "task", "whereabouts", "read", times=99)
    with pytest.raises(StoppedHalfWay, match=error.problem):
        execute(plan, live, case.options)
    assert case.looks == [("s01", StepState.UNKNOWN)]
    assert case.clock.seconds >= TIMEOUTS.unreachable


@pytest.mark.parametrize("error", [STRANGER, LOCKED_OUT])
def test_a_way_that_is_wrong_before_the_call_leaves_no_step_open(
    case: Case, plan: Plan, pool: Pool, error: XapiError
) -> None:
    """Nothing was sent then, the journal says so, and the step is tried once more."""
    live = ScriptedPool(pool, a=[Script(send=error), Script()])
    assert execute(plan, live, case.options).complete
    assert case.looks[:2] == [("s01", StepState.UNSENT), ("s01", StepState.MOVED)]


def test_a_pool_that_contradicts_itself_after_a_step_leaves_no_step_open(tmp_path: Path) -> None:
    """Where the disks are cannot be told: the journal says that it is unknown, instead of nothing."""
    live = ScriptedPool(LOCAL.pool)
    raising(live, InventoryError(["VM b is Running on no host"]), "read", times=9)
    with pytest.raises(StoppedHalfWay, match="contradicts itself"):
        execute(PLAN, live, options(tmp_path))
    looks = [each.state for each in read_journal(tmp_path / "journal.jsonl") if isinstance(each, Looked)]
    assert looks == [StepState.UNKNOWN]


@pytest.mark.parametrize("asked", ["migrate", "assert_may_migrate"])
def test_who_may_not_move_vms_is_told_which_role_it_takes(case: Case, plan: Plan, pool: Pool, asked: str) -> None:
    """Nothing was sent, and nothing is stopped half-way; when it is tried again, neither."""
    live = ScriptedPool(pool)
    role = "it takes the role vm-power-admin or more"
    denied = RefusedByXapi("VM.pool_migrate", "RBAC_PERMISSION_DENIED", ["vm.pool_migrate"], role, "Log in as another")

    def deny(call: str) -> None:
        if call == asked:
            raise denied

    live.before_each = deny
    for way in (execute, resume if asked == "migrate" else execute):
        with pytest.raises(RefusedByXapi, match=role):
            way(plan, live, case.options)
    assert live.sent == []
    assert {state for _, state in case.looks} <= {StepState.REFUSED}


def test_a_role_that_is_taken_away_half_way_stops_the_run(case: Case, plan: Plan, pool: Pool) -> None:
    """What was made before counts: the run stopped half-way, and the role is named."""
    denied = RefusedByXapi("VM.pool_migrate", "RBAC_PERMISSION_DENIED", ["vm.pool_migrate"], "it takes the role x", "")
    live = ScriptedPool(pool, b=Script(send=denied))
    with pytest.raises(StoppedHalfWay, match="it takes the role x"):
        execute(plan, live, case.options)
    assert ("s01", StepState.MOVED) in case.looks

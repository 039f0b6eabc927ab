"""VMs that people hold: paused since the review, or marked by a tag, as their hosts may be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rebalancer.execute import Ending, execute, hindered, resume
from rebalancer.inventory import Pool, PowerState
from rebalancer.plan import Plan
from tests.execute.case import ALL_MOVED, Case, host, refusal, where
from tests.execute.scripted import Script, ScriptedPool

TAG = "rebalancer:hold"
PAUSED: dict[str, Any] = {"power_state": PowerState.PAUSED}
FREE: dict[str, Any] = {"power_state": PowerState.RUNNING, "tags": ()}


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (PAUSED, "the VM is paused: unpause it"),
        ({"tags": (TAG,)}, f"the VM carries the tag {TAG}: remove it to let it move"),
    ],
)
def test_a_vm_that_people_hold_holds_its_step_alone(
    case: Case, plan: Plan, pool: Pool, held: dict[str, Any], words: str
) -> None:
    """The others are made, patience ends the wait, it is told what would free it, and then the plan goes on."""
    live = ScriptedPool(pool)
    live.change("a", **held)
    result = execute(plan, live, case.options)
    assert (result.ending, result.done, [each.words for each in result.held]) == (
        Ending.HELD,
        ("s02", "s03"),
        [words],
    )
    live.change("a", **FREE)
    assert resume(plan, live, case.options).complete
    assert where(live) == ALL_MOVED


@pytest.mark.parametrize(("tagged", "left"), [("h1", ("s01", "s02", "s03")), ("h2", ("s01", "s03")), ("h3", ("s02",))])
def test_a_tagged_host_gives_and_takes_nobody(
    case: Case, plan: Plan, pool: Pool, tagged: str, left: tuple[str, ...]
) -> None:
    """All steps from it and to it are held, and no other."""
    live = ScriptedPool(host(pool, tagged, tags=("rack:A", TAG)))
    result = execute(plan, live, case.options)
    assert (result.ending, result.left) == (Ending.HELD, left)
    assert {each.words for each in result.held} == {f"host {tagged} carries the tag {TAG}"}


def test_a_tag_that_goes_while_the_run_waits_lets_it_go_on(case: Case, plan: Plan, pool: Pool) -> None:
    """As with a backup: nobody has to start anything again."""
    live = ScriptedPool(pool)
    live.change("a", tags=(TAG,))
    case.clock.then = lambda seconds: live.change("a", tags=()) if seconds > 600 else None
    assert execute(plan, live, case.options).complete


def test_a_vm_that_is_paused_right_before_the_call_is_held(case: Case, plan: Plan, pool: Pool) -> None:
    """XAPI tells it first: its refusal means the same as the look."""
    bad = refusal("VM_BAD_POWER_STATE", "a", "running", "paused")
    live = ScriptedPool(pool, a=[Script(refused=bad), Script()])
    assert execute(plan, live, case.options).complete


def test_verify_tells_whom_people_hold(plan: Plan, pool: Pool) -> None:
    """Before the run: whoever proves the plan hears which steps would wait."""
    paused = replace(pool, vms={**pool.vms, "b": replace(pool.vms["b"], **PAUSED)})
    tagged = host(paused, "h2", tags=(TAG,))
    assert {step: each.words for step, each in hindered(plan, tagged, ()).items()} == {
        "s01": f"host h2 carries the tag {TAG}",
        "s02": "the VM is paused: unpause it",
        "s03": f"host h2 carries the tag {TAG}",
    }

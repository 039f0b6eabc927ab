"""Proof and comparison of plans, without anything that made them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rebalancer.diff.diff import Difference, plan_differences, pool_differences
from rebalancer.diff.drift import changes, new_names
from rebalancer.execute import at_rest, hindered, undone
from rebalancer.face.given import assert_kind
from rebalancer.face.model import assert_state
from rebalancer.face.moments import told_or_now
from rebalancer.face.read import PoolState
from rebalancer.plan import Finding, Plan
from rebalancer.plan.progress import is_done, made_already
from rebalancer.verify.verify import verify_plan


def verify(plan: Plan, state: PoolState, *, now: datetime | None = None) -> tuple[Finding, ...]:
    """What is wrong with *plan* in the pool of *state*, by a checker that never saw the solver; nothing if it is legal.

    Of a plan that was begun, what is left is judged; VMs that are blocked or busy count as free, because a run waits.

    Example:
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> rb.verify(rb.rebalance(rb.Model(state, rb.Policy(mode="repair"))), state)
        ()

    Args:
        plan: as it was made or read back.
        state: the pool.
        now: the time, with a zone, by which plans expire; by default now.

    Raises:
        InputError: *now* has no zone.
    """
    assert_kind(plan, Plan, "rb.load(folder) reads one")
    assert_state(state)
    made = made_already(plan, state.pool)
    rested = at_rest(plan, state.pool, made)
    return tuple(verify_plan(plan, rested, state.demand, now=told_or_now(now, "now"), done=made))


def diff(plan: Plan, other: Plan | PoolState) -> tuple[Difference, ...]:
    """How *other* differs from *plan*: another plan, or the pool as it is now.

    Example:
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> plan = rb.rebalance(rb.Model(state, rb.Policy(mode="repair")))
        >>> rb.diff(plan, plan), rb.diff(plan, state)
        ((), ())
    """
    assert_kind(plan, Plan, "rb.load(folder) reads one")
    if not isinstance(other, Plan):
        assert_state(other)
    found = plan_differences(plan, other) if isinstance(other, Plan) else pool_differences(plan, other.pool)
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What is found of a plan in a pool.

    `done` where every VM is where the plan leads, so that nothing is left to prove; else `findings`. Where the pool is
    the one that the plan was made from, `ours`, `drift` tells how it differs by now, `renamed` what is called
    otherwise, `made` which steps need not be made any more, and `waits` which would have to wait, with the reason.
    """

    done: bool
    ours: bool
    findings: tuple[Finding, ...] = ()
    drift: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()


def prove(plan: Plan, state: PoolState) -> Proof:
    """Whether *plan* is legal in the pool of *state*, done already, or made for something else."""
    ours = plan.made_from.is_of(state.pool)
    if is_done(plan, state.pool):
        return Proof(done=True, ours=ours)
    if not ours:
        return Proof(done=False, ours=False, findings=verify(plan, state))
    made, steps = made_already(plan, state.pool), {step.id: step for step in plan.steps}
    before = undone(plan, made, at_rest(plan, state.pool, made))
    waits = hindered(plan, state.pool, made).items()
    return Proof(
        done=False,
        ours=True,
        findings=verify(plan, state),
        drift=changes(plan, before),
        renamed=new_names(plan, before),
        made=tuple(step for step in steps if step in made),
        waits=tuple(f"{step} waits: {steps[step].vm_name}: {hindrance.words}" for step, hindrance in waits),
    )

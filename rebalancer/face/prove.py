"""Proof and comparison of plans, without anything that made them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from rebalancer.diff.diff import Difference, plan_differences, pool_differences
from rebalancer.diff.drift import changes, new_names
from rebalancer.face.read import PoolState
from rebalancer.plan import Finding, Plan
from rebalancer.plan.progress import is_done
from rebalancer.verify.verify import verify_plan


def verify(plan: Plan, state: PoolState, *, now: datetime | None = None) -> tuple[Finding, ...]:
    """What is wrong with *plan* in the pool of *state*, by a checker that never saw the solver; nothing if it is legal.

    Example:
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> rb.verify(rb.rebalance(rb.Model(state, rb.Policy(mode="repair"))), state)
        ()

    Args:
        plan: as it was made or read back.
        state: the pool.
        now: the time, with a zone, by which plans expire; by default now.
    """
    return tuple(verify_plan(plan, state.pool, state.demand, now=now or datetime.now(UTC)))


def diff(plan: Plan, other: Plan | PoolState) -> tuple[Difference, ...]:
    """How *other* differs from *plan*: another plan, or the pool as it is now.

    Example:
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> plan = rb.rebalance(rb.Model(state, rb.Policy(mode="repair")))
        >>> rb.diff(plan, plan), rb.diff(plan, state)
        ((), ())
    """
    found = plan_differences(plan, other) if isinstance(other, Plan) else pool_differences(plan, other.pool)
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What is found of a plan in a pool.

    `done` where every VM is where the plan leads, so that nothing is left to prove; else `findings`. Where the pool is
    the one that the plan was made from, `ours`, `drift` tells how it differs by now, and `renamed` what is called
    otherwise.
    """

    done: bool
    ours: bool
    findings: tuple[Finding, ...] = ()
    drift: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()


def prove(plan: Plan, state: PoolState) -> Proof:
    """Whether *plan* is legal in the pool of *state*, done already, or made for something else."""
    ours = plan.made_from.is_of(state.pool)
    if is_done(plan, state.pool):
        return Proof(done=True, ours=ours)
    drift, renamed = (changes(plan, state.pool), new_names(plan, state.pool)) if ours else ((), ())
    return Proof(done=False, ours=ours, findings=verify(plan, state), drift=drift, renamed=renamed)

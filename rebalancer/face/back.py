"""Plans that are made of plans: the way back, and a plan without some of its steps."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rebalancer.errors import InputError
from rebalancer.execute import done_since, journal_path, learned_pace
from rebalancer.face.model import path_of
from rebalancer.face.moments import told_or_now
from rebalancer.face.proposal import Proposal
from rebalancer.plan import Plan
from rebalancer.undo.partial import without_steps
from rebalancer.undo.undo import undo as way_back

if TYPE_CHECKING:
    from rebalancer.face.read import PoolState


def undo(
    plan: Plan,
    state: PoolState,
    *,
    after: Collection[str] = (),
    journal: Path | str | None = None,
    state_dir: Path | str | None = None,
    made_at: datetime | None = None,
) -> Proposal:
    """The plan that brings the VMs of *plan* from where they are in *state* to where *plan* found them.

    Example:
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> plan = rb.rebalance(rb.Model(state, rb.Policy(mode="repair")))
        >>> back = rb.undo(plan, state, after=[step.id for step in plan.steps])
        >>> {step.vm for step in back.steps} == {step.vm for step in plan.steps}
        True

    Args:
        plan: what is taken back, however far it came.
        state: the pool as it is.
        after: steps that count as done, with all that they wait for; by default those that the journal tells of
            since *state* was read.
        journal: of the run, in place of `after`; by default in the state folder.
        state_dir: the folder with journals; by default that of the command line.
        made_at: the time, with a zone; by default now.

    Raises:
        InputError: *plan* has no such step, *made_at* has no zone, the journal is not its own, or both are given.
        StalePlan: *state* is of another pool, or a VM is on its way.
    """
    if after and journal:
        raise InputError("after", "a journal is named, too", "Name the steps, or the journal that tells of them")
    folder = path_of(state_dir)
    done = after or done_since(plan, path_of(journal) or journal_path(plan.digest, folder), state.taken_at)
    pace = learned_pace(state.pool.uuid, folder)
    return Proposal.of(way_back(plan, state.pool, made_at=told_or_now(made_at), done=done, pace=pace))


def without(plan: Plan, steps: Collection[str], state: PoolState, *, reason: str) -> Proposal:
    """*plan* without *steps*, and without any other step of their VMs: ordered and verified anew, a plan of its own.

    Example:
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> plan = rb.rebalance(rb.Model(state, rb.Policy(mode="repair")))
        >>> len(rb.without(plan, ["s02"], state, reason="it is being looked into").steps) < len(plan.steps)
        True

    Args:
        plan: the whole plan.
        steps: ids of steps.
        state: the pool as *plan* knew it.
        reason: why, for the plan's list of missing moves.

    Raises:
        InputError: there is no such step, or none would be left out.
        StalePlan: the pool is not as *plan* knew it.
        IllegalPlan: steps that would be left cannot be made without those that are left out.
    """
    return Proposal.of(without_steps(plan, steps, state.pool, state.demand, reason=reason))

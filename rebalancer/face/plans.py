"""Plans that level the load of a pool, and what a lower load cost takes."""

from __future__ import annotations

import math
from collections import Counter
from datetime import datetime

from rebalancer.errors import InputError, SuspiciousPlan
from rebalancer.face.model import Model, assert_model
from rebalancer.face.proposal import Proposal
from rebalancer.face.task import PlanningTask, Prepared, task_of
from rebalancer.plan import Plan
from rebalancer.planner.patience import with_patience
from rebalancer.planner.rebalance import rebalance as plan_for
from rebalancer.policy import Mode
from rebalancer.solve import Cost, SolveReporter, Tradeoff
from rebalancer.solve import tradeoff as curve_of
from rebalancer.units import first_few

SOURCES = 3
"""Hosts that a suspicious plan empties and that are named."""


def rebalance(
    model: Model,
    *,
    seconds: float | None = None,
    within: float = math.inf,
    made_at: datetime | None = None,
    reporter: SolveReporter | None = None,
) -> Proposal:
    """The plan that leads to the best placement found, every state on the way legal.

    Example:
        >>> import rebalancer as rb
        >>> plan = rb.rebalance(rb.Model(rb.read("pool.json.gz"), rb.Policy(mode="repair")), seconds=10)
        >>> plan.summary.partition(":")[0][:7], list(plan.frame().columns[:4])
        ('2 steps', ['kind', 'vm', 'from', 'to'])

    Args:
        model: the pool and the policy.
        seconds: how much work solving may take, in place of the policy's `limits.solve_seconds`.
        within: seconds of the wall clock after which the best answer so far is taken; four times the work at most.
        made_at: the time, with a zone; by default now.
        reporter: hears how solving goes on.

    Raises:
        MetricsRefused: the metrics are not good enough for what the policy wants.
        Infeasible: no placement satisfies the hard rules.
        NoLegalOrder: no order of migrations leads to one that does.
        SuspiciousPlan: it moves a larger share of the VMs than `limits.sanity_share`.
    """
    _assert_measured(model)
    return _plan_of(task_of(model, made_at, seconds), within, reporter)


def rebalance_prepared(given: Prepared, within: float = math.inf) -> Proposal:
    """The plan that `rebalance` makes of what was *given*, in whatever process; errors are the same."""
    model = Model(given.state, given.policy)
    _assert_measured(model)
    return _plan_of(PlanningTask(book=model.rulebook, made_at=given.made_at, pace=given.pace), within, None)


def _plan_of(given: PlanningTask, within: float, reporter: SolveReporter | None) -> Proposal:
    plan = plan_for(given.book, made_at=given.made_at, reporter=reporter, pace=given.pace, most_seconds=within)
    if not given.book.problem.intent.empty:
        _assert_likely(plan)
    return Proposal.of(plan)


def tradeoff(
    model: Model, cost: str = "gib", *, seconds: float | None = None, made_at: datetime | None = None
) -> Tradeoff:
    """The curve of what a lower load cost takes, in `gib` copied or in `moves`, each point with its bound.

    Example:
        >>> import rebalancer as rb
        >>> curve = rb.tradeoff(rb.Model(rb.read("pool.json.gz")), "moves", seconds=4)
        >>> curve.points[0].moves, rb.frames.tradeoff_frame(curve).load_cost.is_monotonic_decreasing
        (0, True)

    Raises:
        InputError: there is no such cost.
        MetricsRefused: there are no metrics that are good enough.
    """
    _assert_measured(model)
    if cost not in set(Cost):
        raise InputError(f"cost {cost!r}", "there is none of that name", f"Name {' or '.join(Cost)}")
    book = task_of(model, made_at, seconds).book
    return curve_of(with_patience(book) or book, cost=Cost(cost))


def _assert_likely(plan: Plan) -> None:
    """Pass where *plan* is none to balance, or moves no more VMs than load ever asks for.

    Raises:
        SuspiciousPlan: it does.
    """
    before, share = plan.before.host_of, plan.policy.limits.sanity_share
    moved = {step.vm for step in plan.steps}
    if plan.policy.mode is not Mode.BALANCE or len(moved) <= share * len(before):
        return
    names = {row.uuid: row.name for row in plan.hosts}
    leaving = Counter(names[before[vm]] for vm in moved).most_common()
    sources = first_few([f"{count} leave {host}" for host, count in leaving], SOURCES)
    raise SuspiciousPlan(len(moved), len(before), share, sources)


def _assert_measured(model: Model) -> None:
    """Pass where metrics were not refused, or are not needed.

    Raises:
        MetricsRefused: they were, and are.
    """
    assert_model(model)
    if model.state.refused and model.policy.mode.needs_demand:
        raise model.state.refused

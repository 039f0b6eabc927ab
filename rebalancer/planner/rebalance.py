"""The whole way from a problem to a plan: solve, order, and back to the solver where no order exists."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from rebalancer.describe.figures import DECIMALS
from rebalancer.describe.reasons import Reasons
from rebalancer.describe.worth import over_limits
from rebalancer.errors import Infeasible, ModelBug, NoLegalOrder
from rebalancer.inventory import Uuid
from rebalancer.order.order import Deadlock, find_order
from rebalancer.placement import Migration, Placement
from rebalancer.plan.duration import NO_EXPERIENCE, Pace
from rebalancer.plan.plan import Plan
from rebalancer.planner.compose import compose
from rebalancer.planner.patience import hard_breaches, needed, with_patience
from rebalancer.planner.prefix import Prefix, best_prefix, incomplete
from rebalancer.rules import Rulebook
from rebalancer.rules.facts.sizes import DiskSizes
from rebalancer.solve import WORK_PER_SECOND, Budget, Deadline, Solution, SolveReporter, solve
from rebalancer.verify.verify import refusals

ROUNDS = 8
"""How many placements may turn out to have no legal order before planning gives up."""

OVERTIME = 3.0
"""How many times the work of `limits.solve_seconds` all placements together may take, where the first has no order."""

LIMITS = "limits"
"""In the place of a rule: parking VMs on the way would copy more than the policy allows."""
CUT_SHORT = (
    "the wall clock ended the search in {tier}: the plan is the best found by then, and another run may find another"
)
OTHERS_CUT_SHORT = "the wall clock ended the search for moves that all have an order: another run may find some"
BY_GAP = "limits.gap ended the search: another run may come to another plan"


def rebalance(
    book: Rulebook,
    *,
    made_at: datetime,
    reporter: SolveReporter | None = None,
    pace: Pace = NO_EXPERIENCE,
    most_seconds: float = math.inf,
) -> Plan:
    """The plan that leads from where the VMs of *book* are to the best placement found, every state legal.

    Where no order of all moves is found, it is the largest legal prefix that is worth anything, and tells what is
    missing. VMs that moved, or failed to, a short while ago stay, unless the plan breaks less that is hard with some
    of them: then it is sought again, and only those may move.

    Args:
        book: the pool, its demand and policy, and the rules that bind.
        made_at: the time, with a zone.
        reporter: hears how solving goes on.
        pace: how long steps take, as earlier runs have shown.
        most_seconds: when the wall clock ends all search, if that is before `CEILING` times `limits.solve_seconds`.

    Raises:
        Infeasible: no placement satisfies the hard rules.
        NoLegalOrder: placements were found, but no legal order to any of them, and none to a part that is worth it.
        ModelBug: the checker refuses what was planned.
    """
    until, heard = Deadline.of(book.problem.policy.limits, most_seconds), reporter or SolveReporter()
    patient = with_patience(book)
    if patient is None:
        return _Planning(book, made_at, heard, pace, until).plan()
    try:
        plan = _Planning(patient, made_at, heard, pace, until).plan()
    except (Infeasible, NoLegalOrder):
        return _Planning(book, made_at, heard, pace, until).plan()
    left = hard_breaches(book, plan.predicted)
    freed = needed(book, until) if left else frozenset[Uuid]()
    if not freed:
        return plan
    # Something hard stays broken that these would mend, and only these are tried.
    try:
        other = _Planning(with_patience(book, but=freed) or book, made_at, heard, pace, until).plan()
    except (Infeasible, NoLegalOrder):
        return plan
    return other if hard_breaches(book, other.predicted) < left else plan


class _Planning:
    """One call of `rebalance`."""

    def __init__(self, book: Rulebook, made_at: datetime, reporter: SolveReporter, pace: Pace, until: Deadline) -> None:
        self._book, self._problem = book, book.problem
        self._made_at, self._reporter, self._pace = made_at, reporter, pace
        self._forbidden: list[frozenset[Migration]] = []
        self._near: Placement | None = None
        self._blamed: tuple[str, ...] = ()
        self._parts: list[tuple[Prefix, Solution]] = []
        self._until, self._cut_short = until, False
        self._left = OVERTIME * WORK_PER_SECOND * book.problem.policy.limits.solve_seconds

    def plan(self) -> Plan:
        for _ in range(ROUNDS):
            solution = self._solved()
            found = self._try(solution) if solution else None
            if isinstance(found, Plan):
                return found
            if found is None:
                break
            self._forbidden.append(frozenset(found.moves))
            self._blamed = found.rules
        return self._in_part()

    def _solved(self) -> Solution | None:
        """The best placement without what has no order; None where there is no further one, or no work left.

        What the clock ends is only the search for better ones: as long as nothing has an order, others are tried.

        Raises:
            Infeasible: there never was one.
        """
        if self._forbidden and self._left <= 0:
            return None
        if self._parts and self._until.passed:
            self._cut_short = True
            return None
        forbidden = tuple(self._forbidden)
        budget = Budget(self._problem.policy.limits, until=self._until, most=self._left)
        try:
            solution = solve(self._book, forbidden=forbidden, near=self._near, reporter=self._reporter, budget=budget)
        except Infeasible:
            if not self._forbidden:
                raise
            return None
        self._left -= budget.spent
        self._near = solution.placement
        return solution

    def _in_part(self) -> Plan:
        """The best of the prefixes that the checker accepts.

        Raises:
            NoLegalOrder: there is none.
            ModelBug: a prefix contradicts itself.
        """
        for prefix, solution in sorted(self._parts, key=lambda each: each[0].rank):
            part = incomplete(prefix, solution.placement, self._book)
            if self._cut_short:
                part = replace(part, warnings=(*part.warnings, OTHERS_CUT_SHORT))
            plan = compose(self._book, part, prefix.migrations, self._made_at, pace=self._pace)
            if not refusals(plan, self._problem.pool, self._problem.demand, now=self._made_at):
                return plan
        names = [self._problem.names.vms[move.vm] for move in sorted(self._forbidden[-1])]
        raise NoLegalOrder(names, self._blamed)

    def _keep(self, solution: Solution, ways: Sequence[Sequence[Migration]]) -> None:
        """Remember the best prefix of *ways* to *solution*, if its objectives are those of the first one."""
        prefix = best_prefix(ways, _as_planned(solution), self._book)
        names = [tier.objective for tier in solution.tiers]
        alike = all([tier.objective for tier in each.tiers] == names for _, each in self._parts)
        if prefix and alike:
            self._parts.append((prefix, solution))

    def _try(self, solution: Solution) -> Plan | Deadlock:
        limits, first = self._problem.policy.limits, Reasons(self._book, solution.placement).urgent()
        order = find_order(self._book, solution.placement, seed=limits.seed, first=first)
        if isinstance(order, Deadlock):
            self._keep(solution, order.ways)
            return order
        moves = self._problem.initial.moves_to(solution.placement)
        sizes = [DiskSizes(self._problem).copied_by(move) for move in order.migrations]
        if over_limits(limits, moves=len(moves), sizes_bytes=sizes):
            self._keep(solution, [order.migrations])
            return Deadlock(moves=moves, rules=(LIMITS,), proved=False)
        plan = compose(self._book, _as_planned(solution), order.migrations, self._made_at, pace=self._pace)
        found = self._checked(plan)
        if isinstance(found, Deadlock):
            self._keep(solution, found.ways)
        return found

    def _checked(self, plan: Plan) -> Plan | Deadlock:
        """The plan, if the checker agrees; a step that earlier ones make illegal goes back to the solver.

        Raises:
            ModelBug: the plan contradicts itself, or its end or its way back is illegal.
        """
        findings = refusals(plan, self._problem.pool, self._problem.demand, now=self._made_at)
        if not findings:
            return plan
        ids = [step.id for step in plan.steps]
        refused = next((finding for finding in findings if finding.step in ids), None)
        if refused is None:
            raise ModelBug("; ".join(map(str, findings)))
        turn = ids.index(refused.step)
        moved = {step.vm for step in plan.steps[: turn + 1]}
        moves = tuple(move for move in self._problem.initial.moves_to(plan.predicted) if move.vm in moved)
        way = tuple(step.migration for step in plan.steps[:turn])
        return Deadlock(moves=moves, rules=(refused.rule,), proved=False, ways=(way,))


def _as_planned(solution: Solution) -> Solution:
    """*solution* with the digits that plans keep, and a warning where the clock decided."""
    tiers = tuple(tier.rounded(DECIMALS) for tier in solution.tiers)
    by_clock = CUT_SHORT.format(tier=solution.cut_in) if solution.cut_in else BY_GAP
    return replace(solution, tiers=tiers, warnings=() if solution.reproducible else (by_clock,))

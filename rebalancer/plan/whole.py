"""The whole way from a problem to a plan: solve, order, and back to the solver where no order exists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rebalancer.errors import ModelBug, NoLegalOrder
from rebalancer.objectives import OBJECTIVES
from rebalancer.placement import Move
from rebalancer.plan.compose import Chosen, compose
from rebalancer.plan.figures import DECIMALS
from rebalancer.plan.limits import over_limits
from rebalancer.plan.order import Deadlock, find_order
from rebalancer.plan.plan import Plan, Tier
from rebalancer.plan.search import Leg
from rebalancer.plan.verify import verify_plan
from rebalancer.plan.why import Reasons
from rebalancer.problem import Problem
from rebalancer.rules import Legality, Rule, rules_for
from rebalancer.solve import Solution, SolveReporter, solve
from rebalancer.solve import Tier as SolvedTier

ROUNDS = 8
"""How many placements may turn out to have no legal order before planning gives up."""

LIMITS = "limits"
"""In the place of a rule: parking VMs on the way would copy more than the policy allows."""
CUT_SHORT = "time ran out before the search was done: another run may come to another plan"


def rebalance(problem: Problem, *, made_at: datetime, reporter: SolveReporter | None = None) -> Plan:
    """The plan that leads from where the VMs of *problem* are to the best placement found, every state legal.

    Args:
        problem: the pool, its demand and the policy.
        made_at: the time, with a zone.
        reporter: hears how solving goes on.

    Raises:
        Infeasible: no placement satisfies the hard rules.
        NoLegalOrder: placements were found, but no legal order to any of them.
        ModelBug: the checker refuses what was planned.
    """
    return _Planning(problem, made_at, reporter or SolveReporter()).plan()


class _Planning:
    """One call of `rebalance`."""

    def __init__(self, problem: Problem, made_at: datetime, reporter: SolveReporter) -> None:
        self._problem, self._made_at, self._reporter = problem, made_at, reporter
        self._rules: tuple[Rule, ...] = rules_for(problem)
        self._forbidden: list[frozenset[Move]] = []

    def plan(self) -> Plan:
        """Solve and order until both succeed."""
        for _ in range(ROUNDS):
            solution = solve(
                self._problem, rules=self._rules, forbidden=tuple(self._forbidden), reporter=self._reporter
            )
            found = self._try(solution)
            if isinstance(found, Plan):
                return found
            self._forbidden.append(frozenset(found.moves))
            rules = found.rules
        names = [self._problem.pool.vms[move.vm].name for move in sorted(self._forbidden[-1])]
        raise NoLegalOrder(names, rules)

    def _try(self, solution: Solution) -> Plan | Deadlock:
        """A plan for *solution*, or the moves that stand in its way."""
        first = Reasons(self._problem, Legality(self._problem, self._rules), solution.placement).urgent()
        seed = self._problem.policy.limits.seed
        order = find_order(self._problem, self._rules, solution.placement, seed=seed, first=first)
        if isinstance(order, Deadlock):
            return order
        moves, vms = self._problem.initial.moves_to(solution.placement), self._problem.pool.vms
        sizes = [vms[leg.vm].migration_memory_bytes for leg in order.legs]
        if over_limits(self._problem.policy.limits, moves=len(moves), sizes_bytes=sizes):
            return Deadlock(moves=moves, rules=(LIMITS,), proved=False)
        plan = compose(self._problem, self._rules, self._chosen(solution), order.legs, self._made_at)
        return self._checked(plan, order.legs)

    def _checked(self, plan: Plan, legs: Sequence[Leg]) -> Plan | Deadlock:
        """The plan, if the checker agrees; a step that earlier ones make illegal goes back to the solver.

        Raises:
            ModelBug: the plan contradicts itself.
        """
        findings = verify_plan(plan, self._problem.pool, self._problem.demand, now=self._made_at)
        if not findings:
            return plan
        ids = [step.id for step in plan.steps]
        refused = next((finding for finding in findings if finding.step in ids), None)
        if refused is None or refused.rule in {"placement", "order", "after", "figures"}:
            raise ModelBug("; ".join(map(str, findings)))
        moved = {leg.vm for leg in legs[: ids.index(refused.step) + 1]}
        moves = self._problem.initial.moves_to(plan.predicted)
        return Deadlock(moves=tuple(move for move in moves if move.vm in moved), rules=(refused.rule,), proved=False)

    def _chosen(self, solution: Solution) -> Chosen:
        """What the solver chose, in values of the plan."""
        return Chosen(
            goal=solution.placement,
            tiers=tuple(_tier(each) for each in solution.tiers),
            outcome=solution.outcome.value,
            reason=solution.reason,
            bound_by=solution.bound_by,
            warnings=() if solution.reproducible else (CUT_SHORT,),
        )


def _tier(solved: SolvedTier) -> Tier:
    """A tier of the solver as the plan keeps it, with the digits that plans keep."""
    objective = next(each for each in OBJECTIVES if each.id == solved.objective)
    return Tier(
        objective=solved.objective,
        sentence=objective.sentence,
        unit=solved.unit,
        before=round(solved.before, DECIMALS),
        after=round(solved.after, DECIMALS),
        bound=round(solved.bound, DECIMALS),
        proved=solved.proved,
    )

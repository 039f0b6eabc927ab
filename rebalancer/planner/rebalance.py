"""The whole way from a problem to a plan: solve, order, and back to the solver where no order exists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from time import monotonic

from rebalancer.describe.figures import DECIMALS
from rebalancer.describe.limits import over_limits
from rebalancer.describe.reasons import Reasons
from rebalancer.describe.summary import Chosen
from rebalancer.errors import Infeasible, ModelBug, NoLegalOrder
from rebalancer.objectives import OBJECTIVES
from rebalancer.order.order import Deadlock, find_order
from rebalancer.placement import Move, Placement
from rebalancer.plan.duration import NO_EXPERIENCE, Pace
from rebalancer.plan.leg import Leg, legs_of
from rebalancer.plan.plan import Plan, Tier
from rebalancer.planner.compose import compose
from rebalancer.planner.prefix import Prefix, best_prefix, incomplete
from rebalancer.problem import Problem
from rebalancer.rules import Legality, Rule, rules_for
from rebalancer.rules.facts.sizes import disk_sizes
from rebalancer.solve import Solution, SolveReporter, solve
from rebalancer.solve import Tier as SolvedTier
from rebalancer.verify.verify import refusals

ROUNDS = 8
"""How many placements may turn out to have no legal order before planning gives up."""

OVERTIME = 3.0
"""How many times the seconds that the policy gives to solving may pass before no further placement is asked for."""

LIMITS = "limits"
"""In the place of a rule: parking VMs on the way would copy more than the policy allows."""
CUT_SHORT = "time ran out before the search was done: another run may come to another plan"


def rebalance(
    problem: Problem, *, made_at: datetime, reporter: SolveReporter | None = None, pace: Pace = NO_EXPERIENCE
) -> Plan:
    """The plan that leads from where the VMs of *problem* are to the best placement found, every state legal.

    Where no order of all moves is found, it is the largest legal prefix that is worth anything, and tells what is
    missing.

    Args:
        problem: the pool, its demand and the policy.
        made_at: the time, with a zone.
        reporter: hears how solving goes on.
        pace: how long steps take, as earlier runs have shown.

    Raises:
        Infeasible: no placement satisfies the hard rules.
        NoLegalOrder: placements were found, but no legal order to any of them, and none to a part that is worth it.
        ModelBug: the checker refuses what was planned.
    """
    return _Planning(problem, made_at, reporter or SolveReporter(), pace).plan()


class _Planning:
    """One call of `rebalance`."""

    def __init__(self, problem: Problem, made_at: datetime, reporter: SolveReporter, pace: Pace) -> None:
        self._problem, self._made_at, self._reporter, self._pace = problem, made_at, reporter, pace
        self._rules: tuple[Rule, ...] = rules_for(problem)
        self._forbidden: list[frozenset[Move]] = []
        self._near: Placement | None = None
        self._blamed: tuple[str, ...] = ()
        self._parts: list[tuple[Prefix, Solution]] = []
        self._latest = monotonic() + OVERTIME * problem.policy.limits.solve_seconds

    def plan(self) -> Plan:
        """Solve and order until both succeed, or make the best of what was found."""
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
        """The best placement without what has no order; None where there is no further one, or no time.

        Raises:
            Infeasible: there never was one.
        """
        if self._forbidden and monotonic() > self._latest:
            return None
        try:
            solution = solve(
                self._problem,
                rules=self._rules,
                forbidden=tuple(self._forbidden),
                near=self._near,
                reporter=self._reporter,
            )
        except Infeasible:
            if not self._forbidden:
                raise
            return None
        self._near = solution.placement
        return solution

    def _in_part(self) -> Plan:
        """The best of the prefixes that the checker accepts.

        Raises:
            NoLegalOrder: there is none.
            ModelBug: a prefix contradicts itself.
        """
        for prefix, solution in sorted(self._parts, key=lambda part: part[0].rank):
            chosen = incomplete(prefix, solution.placement, self._problem, self._rules)
            plan = compose(self._problem, self._rules, chosen, prefix.legs, self._made_at, pace=self._pace)
            if not refusals(plan, self._problem.pool, self._problem.demand, now=self._made_at):
                return plan
        names = [self._problem.pool.vms[move.vm].name for move in sorted(self._forbidden[-1])]
        raise NoLegalOrder(names, self._blamed)

    def _keep(self, solution: Solution, ways: Sequence[Sequence[Leg]]) -> None:
        """Remember the best prefix of *ways* to *solution*, if its objectives are those of the first one."""
        prefix = best_prefix(ways, self._chosen(solution), self._problem, self._rules)
        names = [tier.objective for tier in solution.tiers]
        alike = all([tier.objective for tier in each.tiers] == names for _, each in self._parts)
        if prefix and alike:
            self._parts.append((prefix, solution))

    def _try(self, solution: Solution) -> Plan | Deadlock:
        """A plan for *solution*, or the moves that stand in its way."""
        first = Reasons(self._problem, Legality(self._problem, self._rules), solution.placement).urgent()
        seed = self._problem.policy.limits.seed
        order = find_order(self._problem, self._rules, solution.placement, seed=seed, first=first)
        if isinstance(order, Deadlock):
            self._keep(solution, order.ways)
            return order
        moves = self._problem.initial.moves_to(solution.placement)
        sizes = [disk_sizes(self._problem).copied_by(leg.move) for leg in order.legs]
        if over_limits(self._problem.policy.limits, moves=len(moves), sizes_bytes=sizes):
            self._keep(solution, [order.legs])
            return Deadlock(moves=moves, rules=(LIMITS,), proved=False)
        chosen = self._chosen(solution)
        found = self._checked(compose(self._problem, self._rules, chosen, order.legs, self._made_at, pace=self._pace))
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
        return Deadlock(moves=moves, rules=(refused.rule,), proved=False, ways=(legs_of(plan.steps[:turn]),))

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

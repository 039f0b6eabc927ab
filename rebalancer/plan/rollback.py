"""The way back: from the end of a plan to the placement it started from, each state legal, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rebalancer.inventory import Uuid
from rebalancer.placement import Placement
from rebalancer.plan.bindings import binds_on_the_way_back
from rebalancer.plan.duration import NO_EXPERIENCE, Pace
from rebalancer.plan.elsewhere import problem_at
from rebalancer.plan.order import Deadlock, find_order
from rebalancer.plan.plan import LeftAlone
from rebalancer.plan.search import Leg
from rebalancer.plan.step import Step, StepKind
from rebalancer.plan.steps import steps_of
from rebalancer.plan.why import BACK
from rebalancer.problem import Problem
from rebalancer.rules import PoolRule, Rule, Violation, end_violations
from rebalancer.rules.storage import Ways


def way_back(
    legs: Sequence[Leg], problem: Problem, rules: Sequence[Rule], *, seed: int, pace: Pace = NO_EXPERIENCE
) -> tuple[tuple[Step, ...], tuple[LeftAlone, ...]]:
    """Steps from the end of *legs* to where the VMs of *problem* are, and the VMs that they cannot bring back.

    Whatever the operator wished for the end of the plan is not asked, and what the plan mends may break again.
    """
    binding = [rule for rule in rules if binds_on_the_way_back(rule)]
    return _WayBack(legs, problem.initial, _at_the_end(legs, problem), binding, seed=seed, pace=pace).find()


def way_home(
    legs: Sequence[Leg], problem: Problem, rules: Sequence[Rule], *, seed: int, pace: Pace = NO_EXPERIENCE
) -> tuple[tuple[Step, ...], tuple[LeftAlone, ...]]:
    """The same with all *rules* asked: what was there before is not restored where it broke them."""
    end = replace(_at_the_end(legs, problem), before=None)
    return _WayBack(legs, problem.initial, end, rules, seed=seed, pace=pace).find()


def _at_the_end(legs: Sequence[Leg], problem: Problem) -> Problem:
    """*problem* once *legs* are done."""
    return problem_at(problem, problem.initial.after(*(leg.move for leg in legs)))


class _WayBack:
    """One way back."""

    def __init__(
        self,
        legs: Sequence[Leg],
        home: Placement,
        problem: Problem,
        rules: Sequence[Rule],
        *,
        seed: int,
        pace: Pace,
    ) -> None:
        self._home, self._problem, self._rules = home, problem, rules
        self._seed, self._pace = seed, pace
        self._latest_first = list(dict.fromkeys(leg.vm for leg in reversed(legs)))
        self._stranded: dict[Uuid, LeftAlone] = {}

    def find(self) -> tuple[tuple[Step, ...], tuple[LeftAlone, ...]]:
        """Leave out what may not go back until the rest has an order."""
        self._strand_refused()
        self._strand_broken()
        while True:
            order = find_order(self._problem, self._rules, self._goal(), seed=self._seed, first=self._latest_first)
            if not isinstance(order, Deadlock):
                break
            for move in order.moves:
                rule = order.rules[0] if order.rules else "order"
                self._strand(move.vm, rule, "no legal order brings it back together with the others")
        reasons = [BACK[StepKind.HOP if leg.hop else StepKind.MOVE] for leg in order.legs]
        steps = steps_of(order.legs, self._problem, self._rules, reasons, prefix="r", pace=self._pace)
        return steps, tuple(self._stranded[vm] for vm in sorted(self._stranded))

    def _goal(self) -> Placement:
        """Home for everybody but the stranded."""
        there = self._problem.initial
        return there.after(*(move for move in there.moves_to(self._home) if move.vm not in self._stranded))

    def _strand_refused(self) -> None:
        """Find the VMs that may not go home by themselves."""
        ways = Ways(self._problem, self._rules)
        for move in self._problem.initial.moves_to(self._home):
            refused = ways.objections(move)
            if refused:
                self._strand(move.vm, refused[0].rule, refused[0].words)

    def _strand_broken(self) -> None:
        """Find VMs that would break a limit together once they are home: one after another stays away."""
        rules = [rule for rule in self._rules if isinstance(rule, PoolRule)]
        while blamed := self._first_broken(rules):
            vm, violation = blamed
            self._strand(vm, violation.rule, violation.words)

    def _first_broken(self, rules: Sequence[PoolRule]) -> tuple[Uuid, Violation] | None:
        """A VM on its way home that is part of what would be broken there, and what that is."""
        goal = self._goal()
        moving = {move.vm for move in self._problem.initial.moves_to(goal)}
        for violation in end_violations(rules, self._problem, goal):
            for vm in violation.vms:
                if vm in moving:
                    return vm, violation
        return None

    def _strand(self, vm: Uuid, rule: str, words: str) -> None:
        """Note that *vm* cannot be brought back."""
        name = self._problem.pool.vms[vm].name
        self._stranded[vm] = LeftAlone(kind="vm", uuid=vm, name=name, rule=rule, words=words)

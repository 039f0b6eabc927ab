"""A pool in the middle of a plan: where VMs are, what hosts hold, and which move is legal next."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.inventory import Uuid
from rebalancer.placement import Placement
from rebalancer.plan.elsewhere import problem_at
from rebalancer.problem import Problem
from rebalancer.rules import Legality, Objection, PoolRule, Rule, step_ledger

JUDGEMENT = 25
"""What a judgement of the whole pool costs, in sums over a host."""


class State:
    """The pool of *problem* while moves are carried out one after another; starts where the VMs are now.

    `effort` counts the questions that were asked; one that takes a judgement of the whole pool, such as whether HA
    still has a plan, counts as many.
    """

    def __init__(self, problem: Problem, rules: Sequence[Rule]) -> None:
        self.problem, self.rules = problem, tuple(rules)
        self.host_of = dict(problem.initial.host_of)
        pool_rules = [rule for rule in rules if isinstance(rule, PoolRule)]
        self._ledger = ledger = step_ledger(pool_rules, problem, problem.initial)
        self._price = JUDGEMENT if ledger.judged else 1
        self.effort = 0
        self._legality = Legality(problem, rules)
        self._answers: dict[tuple[Uuid, Uuid, Uuid], tuple[Objection, ...]] = {}

    def fits(self, vm: Uuid, target: Uuid) -> bool:
        """Whether every rule on what hosts hold lets *vm* join *target* now, while it still holds its own host."""
        return not self._ledger.objections(vm, target)

    def allows(self, vm: Uuid, target: Uuid) -> bool:
        """Whether *vm* may move to *target* now."""
        self.effort += self._price
        return self.fits(vm, target) and not self._objections(vm, target)

    def blockers(self, vm: Uuid, target: Uuid) -> tuple[str, ...]:
        """Ids of the rules that keep *vm* from moving to *target* now."""
        objections, violations = self._objections(vm, target), self._ledger.objections(vm, target)
        return tuple(dict.fromkeys([each.rule for each in objections] + [each.rule for each in violations]))

    def fit_together(self, vms: Sequence[Uuid], target: Uuid) -> bool:
        """Whether all of *vms* fit *target* although none of them has left its own host yet."""
        joined: list[Uuid] = []
        for vm in vms:
            if not self.fits(vm, target):
                break
            self._ledger.join(vm, target)
            joined.append(vm)
        for vm in joined:
            self._ledger.settle(vm, target)
        return len(joined) == len(vms)

    def move(self, vm: Uuid, target: Uuid) -> None:
        """Carry out a move: *vm* holds both hosts, then only *target*."""
        self._ledger.join(vm, target)
        self._ledger.settle(vm, self.host_of[vm])
        self.host_of[vm] = target

    def _objections(self, vm: Uuid, target: Uuid) -> tuple[Objection, ...]:
        """What speaks against the move by the rules for VMs, hosts and pairs, with *vm* where it is now.

        The other VMs count where they were at the start; where that matters, verifying the plan finds it.
        """
        here = self.host_of[vm]
        if (vm, here, target) not in self._answers:
            self._answers[vm, here, target] = self._ask(vm, here, target)
        return self._answers[vm, here, target]

    def _ask(self, vm: Uuid, here: Uuid, target: Uuid) -> tuple[Objection, ...]:
        """The answer of the rules."""
        pool = self.problem.pool
        if here == self.problem.initial[vm]:
            return self._legality.objections(pool.vms[vm], pool.hosts[target])
        moved = problem_at(self.problem, Placement({**self.problem.initial.host_of, vm: here}))
        return Legality(moved, self.rules).objections(moved.pool.vms[vm], pool.hosts[target])

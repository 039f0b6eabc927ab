"""The checker's word on every answer of the solver."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.errors import ModelBug
from rebalancer.objectives import NEGLIGIBLE, MigrationCost
from rebalancer.placement import Move, Placement
from rebalancer.problem import Problem
from rebalancer.rules import PoolRule, Rule, StateLimit, end_violations
from rebalancer.rules.routes import Routes


def refused_as_a_whole(problem: Problem, rules: Sequence[Rule], placement: Placement) -> bool:
    """Whether *placement* fails a rule that is judged as a whole, which no model states; all else has to hold.

    Raises:
        ModelBug: the placement breaks a rule, a wish or a limit that the model states.
    """
    moves = problem.initial.moves_to(placement)
    _check_pairs(problem, rules, moves)
    _check_limits(problem, moves, placement)
    pool_rules = [rule for rule in rules if isinstance(rule, PoolRule)]
    violations = end_violations(pool_rules, problem, placement)
    judging = {rule.id for rule in pool_rules if any(isinstance(limit, StateLimit) for limit in rule.limits(problem))}
    unexpected = [violation for violation in violations if violation.rule not in judging]
    if unexpected:
        raise ModelBug("; ".join(f"{violation.rule}: {violation.words}" for violation in unexpected))
    return bool(violations)


def _check_pairs(problem: Problem, rules: Sequence[Rule], moves: Sequence[Move]) -> None:
    """Every move is legal by itself, with the disks that go along."""
    ways = Routes(problem, rules)
    for move in moves:
        vm, host = problem.pool.vms[move.vm], problem.pool.hosts[move.target]
        for objection in ways.objections(move):
            raise ModelBug(f"{objection.rule} objects to VM {vm.name!r} on host {host.name!r}: {objection.words}")


def _check_limits(problem: Problem, moves: Sequence[Move], placement: Placement) -> None:
    """No more moves and GiB than the policy allows."""
    limits = problem.policy.limits
    if limits.maximum_moves is not None and len(moves) > limits.maximum_moves:
        raise ModelBug(f"{len(moves)} moves, where the policy allows {limits.maximum_moves}")
    gib = MigrationCost().value(placement, problem)
    if limits.maximum_gib is not None and gib > limits.maximum_gib + NEGLIGIBLE:
        raise ModelBug(f"{gib} GiB are copied, where the policy allows {limits.maximum_gib}")

"""The checker's word on every answer of the solver."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.errors import ModelBug
from rebalancer.objectives import NEGLIGIBLE, MigrationCost
from rebalancer.placement import Migration, Placement
from rebalancer.rules import Rulebook, StateLimit


def refused_as_a_whole(book: Rulebook, placement: Placement) -> bool:
    """Whether *placement* fails a rule that is judged as a whole, which no model states; all else has to hold.

    Raises:
        ModelBug: the placement breaks a rule, a wish or a limit that the model states.
    """
    start = book.problem.initial
    moves = start.moves_to(placement)
    for move in moves:
        vm, host = book.problem.pool.vms[move.vm], book.problem.pool.hosts[move.target]
        for objection in book.objections(move):
            raise ModelBug(f"{objection.rule} objects to VM {vm.name!r} on host {host.name!r}: {objection.words}")
    _check_limits(book, moves, placement)
    violations = book.violations(placement, since=start)
    judging = {bound.rule.id for bound in book.limits if isinstance(bound.limit, StateLimit)}
    unexpected = [violation for violation in violations if violation.rule not in judging]
    if unexpected:
        raise ModelBug("; ".join(f"{violation.rule}: {violation.words}" for violation in unexpected))
    return bool(violations)


def _check_limits(book: Rulebook, moves: Sequence[Migration], placement: Placement) -> None:
    limits = book.problem.policy.limits
    if limits.maximum_moves is not None and len(moves) > limits.maximum_moves:
        raise ModelBug(f"{len(moves)} moves, where the policy allows {limits.maximum_moves}")
    gib = MigrationCost().value(placement, book)
    if limits.maximum_gib is not None and gib > limits.maximum_gib + NEGLIGIBLE:
        raise ModelBug(f"{gib} GiB are copied, where the policy allows {limits.maximum_gib}")

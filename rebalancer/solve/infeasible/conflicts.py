"""Why nothing satisfies the rules: who cannot leave, and without which rule there would be a placement."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rebalancer.policy import Mode
from rebalancer.rules import Rule, Rulebook
from rebalancer.solve.instance.instance import Instance

Possible = Callable[[Rulebook], bool]


def left_behind(instance: Instance) -> tuple[str, ...]:
    """One sentence for each VM on a host that is evacuated which no choice of the model can move away."""
    problem = instance.problem
    empty = problem.intent.empty if problem.policy.mode is Mode.EVACUATE else {}
    return tuple(
        f"VM {problem.names.vms[vm]!r} cannot leave host {problem.names.hosts[host]!r}: "
        "no host takes all that it is kept together with"
        for vm, host in sorted(problem.initial.host_of.items())
        if host in empty and vm not in instance.unit_of and vm not in problem.staying
    )


def rules_to_blame(book: Rulebook, possible: Possible) -> tuple[str, ...]:
    """The pool rules without which there would be a placement: each by itself, or else a smallest set of them."""
    pool_rules = [rule for rule in book.rules if rule.when]
    alone = [rule for rule in pool_rules if possible(book.without(rule.id))]
    if alone:
        return tuple(f"rule {rule.id} excludes every placement; without it there is one" for rule in alone)
    if not possible(book.without(*(rule.id for rule in pool_rules))):
        return ("the limits on moves and GiB, and the moves that have no legal order, exclude every placement",)
    names = " and ".join(rule.id for rule in _smallest(book, pool_rules, possible))
    return (f"rules {names} exclude every placement; without them there is one",)


def _smallest(book: Rulebook, blamed: Sequence[Rule], possible: Possible) -> list[Rule]:
    """A part of *blamed*, none of which can be kept if there is to be a placement."""
    left_out = list(blamed)
    for rule in blamed:
        fewer = [each for each in left_out if each is not rule]
        if possible(book.without(*(each.id for each in fewer))):
            left_out = fewer
    return left_out

"""Moves that a plan does without: what stands in the way of each once the plan is done, and whether that is true."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rebalancer.describe.staying import DOES_NOT_PAY
from rebalancer.inventory import Uuid
from rebalancer.placement import Move, Placement
from rebalancer.plan.finding import Finding
from rebalancer.plan.plan import Missing, Plan
from rebalancer.problem import Problem, problem_at
from rebalancer.rules import PoolRule, Rule, end_violations, step_ledger
from rebalancer.rules.facts.counterparts import crosses
from rebalancer.rules.routes import Routes
from rebalancer.units import counted

LEFT_OUT = "left-out"
"""In the place of a rule: whoever approved a part of the plan left the move out."""
INCOMPLETE = "incomplete"
"""The outcome of a plan that makes a part of the moves that were found."""
NO_USE_ALONE = "may be made, but is of no use without others that are missing, too"


def missing_moves(
    moves: Iterable[Move], end: Placement, problem: Problem, rules: Sequence[Rule]
) -> tuple[Missing, ...]:
    """*moves* that are not made where a plan for *problem* ends at *end*, sorted by the names of their VMs."""
    search = Hindrances(end, problem, rules)
    return tuple(sorted((search.of(move) for move in moves), key=_by_name))


def _by_name(missing: Missing) -> tuple[str, Uuid]:
    """The order in which plans list them."""
    return missing.vm_name, missing.vm


def left_out(moves: Iterable[Move], problem: Problem, reason: str) -> tuple[Missing, ...]:
    """*moves* that were left out when the plan was approved, for *reason*."""
    vms, hosts = problem.pool.vms, problem.pool.hosts
    return tuple(
        Missing(
            vm=move.vm,
            vm_name=vms[move.vm].name,
            target=move.target,
            target_name=hosts[move.target].name,
            rule=LEFT_OUT,
            words=reason,
        )
        for move in moves
    )


def wrong_missing(plan: Plan, problem: Problem, rules: Sequence[Rule]) -> Iterator[Finding]:
    """Where *plan* says otherwise than the rules what it does without, and why; *problem* is what it was made from."""
    if bool(plan.missing) != (plan.outcome == INCOMPLETE):
        said = counted(len(plan.missing), "move is", "moves are")
        yield _wrong(f"the outcome is '{plan.outcome}', and {said} said to be missing")
    end, hosts = plan.predicted, problem.pool.hosts
    known = [each for each in plan.missing if each.vm in end.host_of and each.target in hosts]
    moves = {each.vm: Move(vm=each.vm, source=end[each.vm], target=each.target) for each in known}
    away = {vm: move for vm, move in moves.items() if move.source != move.target}
    chosen = {each.vm: each.words for each in known if each.rule == LEFT_OUT and each.vm in away}
    found = [*missing_moves([move for vm, move in away.items() if vm not in chosen], end, problem, rules)]
    found += [each for vm, words in chosen.items() for each in left_out([away[vm]], problem, words)]
    if sorted(found, key=_by_name) != list(plan.missing):
        yield _wrong("the moves that are said to be missing are others, or are missing for another reason")


def _wrong(words: str) -> Finding:
    """A finding about the whole plan."""
    return Finding(step="", state="at the end", rule="missing", words=words)


class Hindrances:
    """What speaks against a further move from where a plan ends."""

    def __init__(self, end: Placement, problem: Problem, rules: Sequence[Rule]) -> None:
        self._problem = problem
        self._pool_rules = [rule for rule in rules if isinstance(rule, PoolRule)]
        self._then = problem_at(problem, end)
        self._ways = Routes(self._then, rules)
        self._ledger = step_ledger(self._pool_rules, self._then, self._then.initial)

    def of(self, move: Move) -> Missing:
        """*move*, by its cheapest way, with the first thing that speaks against it."""
        rule, words = self._against_all_ways(move) or (DOES_NOT_PAY, NO_USE_ALONE)
        pool = self._problem.pool
        return Missing(
            vm=move.vm,
            vm_name=pool.vms[move.vm].name,
            target=move.target,
            target_name=pool.hosts[move.target].name,
            rule=rule,
            words=words,
        )

    def _against_all_ways(self, move: Move) -> tuple[str, str] | None:
        """What speaks against the cheapest way; where none leads to another pool, what keeps the disks from going."""
        vm, host = self._then.pool.vms[move.vm], self._then.pool.hosts[move.target]
        ways = self._ways.ways(vm, host)
        closed = self._ways.why_none(vm, host) if crosses(vm, host, self._then) else ()
        if closed:
            return closed[0].rule, closed[0].words
        return self.against(replace(move, disks=ways[0].disks if ways else ()))

    def against(self, move: Move) -> tuple[str, str] | None:
        """A rule and its words: on the VM and the host, on the way, or at the end; None where *move* may be made."""
        for objection in self._ways.objections(move):
            return objection.rule, objection.words
        for violation in self._ledger.objections(move.vm, move.target, move.disks):
            return violation.rule, violation.words
        there = self._then.initial.after(move)
        for violation in end_violations(self._pool_rules, self._problem, there):
            return violation.rule, f"the plan could not end with it: {violation.words}"
        return None

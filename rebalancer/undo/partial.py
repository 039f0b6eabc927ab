"""A part of a plan: some steps left out, the rest ordered and composed anew, and what has to be left out with them.

A part brings every VM where the whole plan brings it or leaves it where it is, and parks VMs only where the whole plan
parks them: whoever has read the plan has read every part of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from rebalancer.demand import LoadProfile
from rebalancer.describe.course import step_of
from rebalancer.describe.figures import metrics_of, profile_of
from rebalancer.describe.left_out import INCOMPLETE, left_out, missing_moves
from rebalancer.describe.worth import tiers_at
from rebalancer.diff.drift import differences
from rebalancer.errors import IllegalPlan, InputError, StalePlan
from rebalancer.inventory import Pool, Uuid
from rebalancer.inventory.digest import inventory_digests
from rebalancer.order.order import Deadlock, find_order
from rebalancer.placement import Migration
from rebalancer.plan.document import sealed
from rebalancer.plan.finding import Finding
from rebalancer.plan.plan import Plan
from rebalancer.plan.step import StepKind
from rebalancer.planner.compose import compose
from rebalancer.problem import make_problem
from rebalancer.rules import Rulebook
from rebalancer.solve import Solution
from rebalancer.undo.kept_ids import with_ids_of
from rebalancer.verify.verify import refusals, verify_plan

UNREAD = "parking"
"""In the place of a rule: the rest could be made only by parking VMs where the plan parks none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A VM that cannot move without others: the rule and its words."""

    vm: Uuid
    rule: str
    words: str


def without_steps(
    plan: Plan, names: Collection[str], pool: Pool, demand: LoadProfile | None = None, *, reason: str
) -> Plan:
    """*plan* without the steps *names*, and without any other step of their VMs, as a plan of its own.

    It is from the same moment, so it expires when *plan* does, and names *plan* in what it was made from.

    Args:
        plan: the whole plan.
        names: ids of steps.
        pool: the pool as *plan* knew it.
        demand: the demand that *plan* was made from; None to go by what it carries.
        reason: why, for the plan's list of missing moves.

    Raises:
        InputError: there is no such step, nothing would be left, or other steps cannot be made without them.
        StalePlan: the pool has changed since.
        IllegalPlan: the whole plan is not accepted, or rules refuse the part.
        ModelBug: the part contradicts itself.
    """
    if inventory_digests(pool) != plan.made_from.inventories:
        raise StalePlan(differences(plan, pool))
    _assert_none(verify_plan(plan, pool, now=plan.made_at))
    gone = {step_of(plan, name).vm for name in names}
    known = demand if metrics_of(demand) == plan.made_from.metrics else profile_of(plan)
    part = _Part(plan, pool, known, gone).plan(reason)
    _assert_none(refusals(part, pool, now=part.made_at))
    return part


def _assert_none(findings: Sequence[Finding]) -> None:
    """Raise IllegalPlan if anything was found."""
    if findings:
        raise IllegalPlan([str(finding) for finding in findings])


class _Part:
    """*plan* without the VMs *gone*."""

    def __init__(self, plan: Plan, pool: Pool, demand: LoadProfile | None, gone: Collection[Uuid]) -> None:
        self._plan, self._gone = plan, frozenset(gone)
        self._problem = make_problem(pool, demand, plan.policy)
        self._book = Rulebook.of(self._problem)
        self._moves = {move.vm: move for move in self._problem.initial.moves_to(plan.predicted)}
        self._last = {step.vm: number for number, step in enumerate(plan.steps)}
        self._parked = {(step.vm, step.target) for step in plan.steps if step.kind is StepKind.HOP}

    def plan(self, reason: str) -> Plan:
        migrations = self._migrations()
        end = self._problem.initial.after(*self._kept(self._gone))
        still = [Migration(vm=each.vm, source=end[each.vm], target=each.target) for each in self._plan.missing]
        missing = missing_moves(still, end, self._book)
        dropped = left_out([self._moves[vm] for vm in self._gone & self._moves.keys()], self._problem, reason)
        solution = Solution(
            placement=end,
            tiers=tiers_at(end, self._plan.tiers, self._book),
            outcome=INCOMPLETE,
            reason=f"a part of the plan {self._plan.digest}: {reason}",
            bound_by=self._plan.bound_by,
            missing=tuple(sorted((*missing, *dropped), key=lambda each: (each.vm_name, each.vm))),
        )
        source = self._plan.made_from
        numbered = partial(with_ids_of, self._plan)
        made = compose(self._book, solution, migrations, self._plan.made_at, pace=source.pace, numbered=numbered)
        made_from = replace(made.made_from, metrics=source.metrics, part_of=self._plan.digest)
        return sealed(replace(made, made_from=made_from))

    def _migrations(self) -> Sequence[Migration]:
        """The rest in a legal order.

        Raises:
            InputError: there is none, or nothing is left.
        """
        if not self._moves.keys() - self._gone:
            raise InputError("--without", "no step would be left", "Do not approve the plan, then")
        found = self._tried(self._gone)
        if isinstance(found, _Held):
            raise self._refusal(self._held_too(found))
        return found

    def _kept(self, gone: Collection[Uuid]) -> tuple[Migration, ...]:
        return tuple(move for vm, move in sorted(self._moves.items()) if vm not in gone)

    def _tried(self, gone: Collection[Uuid]) -> Sequence[Migration] | _Held:
        """The rest without *gone* in a legal order, or who cannot move then; of several the one that moves last."""
        goal = self._problem.initial.after(*self._kept(gone))
        moving = self._moves.keys() - set(gone)
        for violation in self._book.violations(goal, since=self._problem.initial):
            if blamed := moving & set(violation.vms):
                return _Held(vm=self._latest(blamed), rule=violation.rule, words=violation.words)
        first = sorted(moving, key=lambda vm: self._last[vm])
        order = find_order(self._book, goal, seed=self._plan.made_from.seed, first=first)
        if isinstance(order, Deadlock):
            rules = ", ".join(order.rules)
            words = "no order of what is left is legal"
            return _Held(vm=self._latest([move.vm for move in order.moves]), rule=rules, words=words)
        unread = [move.vm for move in order.migrations if move.hop and (move.vm, move.target) not in self._parked]
        if unread:
            waiting = moving & set(unread) or moving
            return _Held(vm=self._latest(waiting), rule=UNREAD, words="VMs would be parked that the plan does not park")
        if any(move.vm in gone for move in order.migrations):
            return _Held(vm=self._latest(moving), rule=UNREAD, words="a VM that is left out would be parked")
        return order.migrations

    def _latest(self, vms: Collection[Uuid]) -> Uuid:
        return max(vms, key=lambda vm: (self._last.get(vm, -1), vm))

    def _held_too(self, first: _Held) -> Mapping[Uuid, _Held]:
        """VMs that have to be left out, too, none of them in vain; *first* is the first."""
        found = {first.vm: first}
        while self._moves.keys() - self._gone - found.keys():
            held = self._tried(self._gone | found.keys())
            if not isinstance(held, _Held):
                break
            found[held.vm] = held
        for vm in list(found):
            others = found.keys() - {vm}
            if others and not isinstance(self._tried(self._gone | others), _Held):
                del found[vm]
        return found

    def _refusal(self, held: Mapping[Uuid, _Held]) -> InputError:
        words = "; ".join(f"{self._ids([vm])}: {each.words} [{each.rule}]" for vm, each in held.items())
        if self._gone | held.keys() >= self._moves.keys():
            remedy = "Nothing would be left: make a new plan, with `never_move` for what is to stay"
        else:
            dropped = [step.id for step in self._plan.steps if step.vm in self._gone | held.keys()]
            remedy = "Leave them out, too: " + " ".join(f"--without {each}" for each in dropped)
        return InputError(f"without {self._ids(self._gone)}", f"other steps cannot be made: {words}", remedy)

    def _ids(self, vms: Collection[Uuid]) -> str:
        return ", ".join(f"{step.id} ({step.vm_name})" for step in self._plan.steps if step.vm in vms)

"""The way back: from the end of a plan to the placement it started from, each state legal, too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rebalancer.describe.left_out import Hindrances
from rebalancer.describe.reasons import BACK
from rebalancer.inventory import Uuid
from rebalancer.order.order import Deadlock, find_order
from rebalancer.placement import Migration, Placement
from rebalancer.plan.duration import NO_EXPERIENCE, Pace
from rebalancer.plan.plan import LeftAlone
from rebalancer.plan.step import Step, StepKind
from rebalancer.rules import HostRule, Objection, Rulebook, Violation
from rebalancer.schedule.steps import steps_of


def way_back(
    migrations: Sequence[Migration], book: Rulebook, *, seed: int, pace: Pace = NO_EXPERIENCE
) -> tuple[tuple[Step, ...], tuple[LeftAlone, ...]]:
    """Steps from the end of *migrations* to where the VMs of *book* are, and the VMs that they cannot bring back.

    Whatever the operator wished for the end of the plan is not asked, and what the plan mends may break again.
    """
    home = book.problem.initial
    end = book.way_back().at(home.after(*migrations))
    return way_to(home, end, first=latest_first(migrations), seed=seed, pace=pace)


def way_to(
    home: Placement, book: Rulebook, *, first: Sequence[Uuid] = (), seed: int, pace: Pace = NO_EXPERIENCE
) -> tuple[tuple[Step, ...], tuple[LeftAlone, ...]]:
    """Steps from where the VMs of *book* are to *home*, and the VMs that they cannot bring there.

    None of those could be brought there after the last step either.

    Args:
        home: where the VMs are to be.
        book: the rules, where they are.
        first: VMs that are tried first.
        seed: of the shuffled priorities.
        pace: how long steps take.
    """
    way = _WayTo(home, book)
    migrations = way.find(first, seed)
    reasons = [BACK[StepKind.HOP if move.hop else StepKind.MOVE] for move in migrations]
    return steps_of(migrations, book, reasons, prefix="r", pace=pace), way.stranded


def latest_first(migrations: Sequence[Migration | Step]) -> tuple[Uuid, ...]:
    """The VMs of *migrations*, those that move last first."""
    return tuple(dict.fromkeys(move.vm for move in reversed(migrations)))


class _WayTo:
    """One way to *home*."""

    def __init__(self, home: Placement, book: Rulebook) -> None:
        self._home, self._book, self._problem = home, book, book.problem
        self._stranded: dict[Uuid, LeftAlone] = {}

    @property
    def stranded(self) -> tuple[LeftAlone, ...]:
        return tuple(self._stranded[vm] for vm in sorted(self._stranded))

    def find(self, first: Sequence[Uuid], seed: int) -> tuple[Migration, ...]:
        """Leave out what may not go back until the rest has an order; then let go whom the rest lets."""
        for move in self._problem.initial.moves_to(self._home):
            if refused := self._book.objections(move):
                self._strand(move.vm, refused[0].rule, self._words(refused[0], move))
        while blamed := self._first_broken():
            self._strand(blamed[0], blamed[1].rule, blamed[1].words)
        while isinstance(order := find_order(self._book, self._goal(), seed=seed, first=first), Deadlock):
            for move in order.moves:
                rule = order.rules[0] if order.rules else "order"
                self._strand(move.vm, rule, "no legal order brings it back together with the others")
        return (*order.migrations, *self._followers())

    def _words(self, refused: Objection, move: Migration) -> str:
        """Those of the objection; what is about the host alone with its name, since others stand beside it."""
        judges_host = any(isinstance(rule, HostRule) and rule.id == refused.rule for rule in self._book.rules)
        return f"{self._problem.names.hosts[move.target]} {refused.words}" if judges_host else refused.words

    def _followers(self) -> Iterator[Migration]:
        """Stranded VMs that may go home after all, once the others are there."""
        while self._stranded:
            end = self._goal()
            hindrances = Hindrances(end, self._book)
            free = next((move for move in end.moves_to(self._home) if not hindrances.against(move)), None)
            if free is None:
                break
            del self._stranded[free.vm]
            yield free

    def _goal(self) -> Placement:
        there = self._problem.initial
        return there.after(*(move for move in there.moves_to(self._home) if move.vm not in self._stranded))

    def _first_broken(self) -> tuple[Uuid, Violation] | None:
        """A VM that would break a limit together with others once they are home."""
        goal = self._goal()
        moving = {move.vm for move in self._problem.initial.moves_to(goal)}
        for violation in self._book.violations(goal, since=self._problem.initial):
            if vm := next((each for each in violation.vms if each in moving), None):
                return vm, violation
        return None

    def _strand(self, vm: Uuid, rule: str, words: str) -> None:
        name = self._problem.names.vms[vm]
        self._stranded[vm] = LeftAlone(kind="vm", uuid=vm, name=name, rule=rule, words=words)

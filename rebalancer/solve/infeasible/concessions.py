"""What an operator may give up where nothing satisfies the rules, and the problem without it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from math import ceil

from rebalancer.errors import Concession
from rebalancer.inventory import PowerState, Uuid
from rebalancer.placement import Placement
from rebalancer.policy import Apart, Reserve, RunOn, Spread, Together
from rebalancer.problem import Problem
from rebalancer.rules import Rule
from rebalancer.rules.availability.spare import Spare
from rebalancer.units import size_in_words

Wish = Together | Apart | Spread | RunOn


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A problem and the rules that bind it."""

    problem: Problem
    rules: tuple[Rule, ...]

    def under(self, **limits: float | None) -> Case:
        """The same with other limits of the policy."""
        changed = self.problem.policy.limits.model_copy(update=limits)
        policy = self.problem.policy.model_copy(update={"limits": changed})
        return replace(self, problem=replace(self.problem, policy=policy))

    def without(self, rule: str) -> Case:
        """The same without a rule that the policy may relax."""
        wanted = self.problem.policy.rules
        relaxed = wanted.model_copy(update={"relax": (*wanted.relax, rule)})
        policy = self.problem.policy.model_copy(update={"rules": relaxed})
        rules = tuple(each for each in self.rules if each.id != rule)
        return Case(problem=replace(self.problem, policy=policy), rules=rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer(ABC):
    """One thing that could be given up; `vms` are those that may move further by it alone, all where it is None."""

    where: str
    vms: frozenset[Uuid] | None = None

    @abstractmethod
    def given_up(self, case: Case) -> Case:
        """*case* without it."""

    @abstractmethod
    def words(self, moves: int, gib: float, /) -> str:
        """What to do, where that makes so many *moves* and copies so many *gib*."""

    def concession(self, moves: int, gib: float) -> Concession:
        """The same for whoever is told."""
        return Concession(where=self.where, words=self.words(moves, gib))


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreMoves(Offer):
    """The limit on moves."""

    where: str = "limits.maximum_moves"
    vms: frozenset[Uuid] | None = frozenset()
    allowed: int

    def given_up(self, case: Case) -> Case:
        """Any number of moves."""
        return case.under(maximum_moves=None)

    def words(self, moves: int, _gib: float, /) -> str:
        """As many as are made."""
        return f"allow {moves} moves instead of {self.allowed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreGib(Offer):
    """The limit on GiB copied."""

    where: str = "limits.maximum_gib"
    vms: frozenset[Uuid] | None = frozenset()
    allowed: float

    def given_up(self, case: Case) -> Case:
        """Any number of GiB."""
        return case.under(maximum_gib=None)

    def words(self, _moves: int, gib: float, /) -> str:
        """As many as are copied, rounded up."""
        return f"allow {ceil(10 * gib) / 10:g} GiB instead of {self.allowed:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxed(Offer):
    """A rule of the manual."""

    where: str = "rules.relax"
    rule: str

    def given_up(self, case: Case) -> Case:
        """The rule does not bind."""
        return case.without(self.rule)

    def words(self, _moves: int, _gib: float, /) -> str:
        """By the id that the policy takes."""
        return f"relax the rule {self.rule}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSpare(Offer):
    """Hosts to spare."""

    where: str = "spare"
    vms: frozenset[Uuid] | None = frozenset()

    def given_up(self, case: Case) -> Case:
        """No host is kept to spare."""
        return replace(case, rules=tuple(rule for rule in case.rules if not isinstance(rule, Spare)))

    def words(self, _moves: int, _gib: float, /) -> str:
        """As it stands in the policy."""
        return "do without hosts to spare"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoReserve(Offer):
    """Memory that is kept free on one host."""

    vms: frozenset[Uuid] | None = frozenset()
    host: Uuid
    host_name: str
    kept_bytes: int

    def given_up(self, case: Case) -> Case:
        """Only its pCPUs stay reserved."""
        intent = case.problem.intent
        kept = Reserve(pcpus=intent.reserves[self.host].pcpus)
        return replace(
            case, problem=replace(case.problem, intent=replace(intent, reserves={**intent.reserves, self.host: kept}))
        )

    def words(self, _moves: int, _gib: float, /) -> str:
        """Host and size."""
        return f"keep no {size_in_words(self.kept_bytes)} free on {self.host_name!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoWish(Offer):
    """A whole group or tie."""

    section: str
    wish: Wish

    def given_up(self, case: Case) -> Case:
        """Nobody asks for it."""
        intent = case.problem.intent
        kept = tuple(each for each in getattr(intent, self.section) if each is not self.wish)
        changed: dict[str, tuple[Wish, ...]] = {self.section: kept}
        return replace(case, problem=replace(case.problem, intent=replace(intent, **changed)))  # type: ignore[arg-type]

    def words(self, _moves: int, _gib: float, /) -> str:
        """By section and name."""
        return f"do without {self.where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Untied(Offer):
    """One VM of a tie to some hosts."""

    wish: str
    vm: Uuid
    vm_name: str

    def given_up(self, case: Case) -> Case:
        """The tie holds for the others."""
        intent = case.problem.intent
        ties = (replace(tie, vms=tie.vms - {self.vm}) if tie.name == self.wish else tie for tie in intent.run_on)
        return replace(case, problem=replace(case.problem, intent=replace(intent, run_on=tuple(ties))))

    def words(self, _moves: int, _gib: float, /) -> str:
        """VM and tie."""
        return f"let {self.vm_name!r} run elsewhere than {self.where} says"


@dataclass(frozen=True, slots=True, kw_only=True)
class LetMove(Offer):
    """A VM that is never to be moved."""

    where: str = "never_move"
    vm: Uuid
    vm_name: str

    def given_up(self, case: Case) -> Case:
        """It may move like any other."""
        intent = case.problem.intent
        kept = {vm: words for vm, words in intent.never_move.items() if vm != self.vm}
        return replace(case, problem=replace(case.problem, intent=replace(intent, never_move=kept)))

    def words(self, _moves: int, _gib: float, /) -> str:
        """By its name."""
        return f"let {self.vm_name!r} move"


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeDisks(Offer):
    """Disks that stay where they are."""

    where: str = "storage_motion.enabled"

    def given_up(self, case: Case) -> Case:
        """VMs take disks along that their new host cannot see."""
        return replace(case, problem=case.problem.with_disks())

    def words(self, _moves: int, _gib: float, /) -> str:
        """What is switched on."""
        return "let VMs take their disks along"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutDown(Offer):
    """A VM that nothing else lets leave its host."""

    where: str = "vm"
    vm: Uuid
    vm_name: str

    def given_up(self, case: Case) -> Case:
        """It is on no host."""
        problem = case.problem
        halted = replace(problem.pool.vms[self.vm], resident_on=None, power_state=PowerState.HALTED)
        start = problem.initial
        without = Placement(
            {vm: host for vm, host in start.host_of.items() if vm != self.vm},
            {vm: srs for vm, srs in start.srs_of.items() if vm != self.vm},
        )
        pool = replace(problem.pool, vms={**problem.pool.vms, self.vm: halted})
        return replace(case, problem=replace(problem, pool=pool, initial=without))

    def words(self, _moves: int, _gib: float, /) -> str:
        """By its name."""
        return f"shut {self.vm_name!r} down meanwhile"

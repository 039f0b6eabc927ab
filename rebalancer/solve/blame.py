"""Why nothing satisfies the rules: who cannot leave, and without which rule there would be a way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules import Legality, Origin, PoolRule, Rule
from rebalancer.rules.storage import Ways

Possible = Callable[[Sequence[Rule]], bool]

MOST_RELAXED = 2
"""Rules that are left out together in search of a way out: each set costs a search of its own."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Cost:
    """What the cheapest placement under some rules takes."""

    gib: float
    moves: int

    def words(self) -> str:
        """In numbers."""
        return (
            f"then {'1 VM moves' if self.moves == 1 else f'{self.moves} VMs move'}, and {self.gib:.4g} GiB are copied"
        )


def held_on_emptied_hosts(problem: Problem, rules: Sequence[Rule]) -> tuple[str, ...]:
    """One sentence for each VM that has nowhere to go from a host that is evacuated."""
    ways, legality = Ways(problem, rules), Legality(problem, rules)
    found = []
    for uuid, host in sorted(problem.initial.host_of.items()):
        vm = problem.pool.vms[uuid]
        if host in problem.intent.empty and not _may_leave(problem, ways, vm):
            name = problem.pool.hosts[host].name
            found.append(f"VM {vm.name!r} cannot leave host {name!r}: {_why(problem, ways, legality, vm)}")
    return tuple(found)


def rules_to_blame(rules: Sequence[Rule], possible: Possible) -> tuple[str, ...]:
    """The pool rules without which there would be a placement: each by itself, or else a smallest set of them."""
    pool_rules = [rule for rule in rules if isinstance(rule, PoolRule)]
    alone = [rule for rule in pool_rules if possible(_without(rules, [rule]))]
    if alone:
        return tuple(f"rule {rule.id} excludes every placement; without it there is one" for rule in alone)
    if not possible(_without(rules, pool_rules)):
        return ("the limits on moves and GiB, and the moves that have no legal order, exclude every placement",)
    names = " and ".join(rule.id for rule in _smallest(rules, pool_rules, possible))
    return (f"rules {names} exclude every placement; without them there is one",)


def cheapest_relaxation(rules: Sequence[Rule], cost: Callable[[Sequence[Rule]], Cost | None]) -> str | None:
    """The cheapest of the smallest sets of the operator's own rules without which there is a placement, in words.

    None where no set of up to `MOST_RELAXED` is enough: XAPI's own rules cannot be done without.
    """
    own = [rule for rule in rules if isinstance(rule, PoolRule) and rule.origin is Origin.POLICY]
    for size in range(1, min(MOST_RELAXED, len(own)) + 1):
        tried = ((sorted(rule.id for rule in each), cost(_without(rules, each))) for each in combinations(own, size))
        found = [(least, ids) for ids, least in tried if least is not None]
        if found:
            least, ids = min(found)
            return f"the cheapest way out is to do without {' and '.join(ids)}: {least.words()}"
    return None


def _smallest(rules: Sequence[Rule], blamed: Sequence[PoolRule], possible: Possible) -> list[PoolRule]:
    """A part of *blamed*, none of which can be kept if there is to be a placement."""
    left_out = list(blamed)
    for rule in blamed:
        fewer = [each for each in left_out if each is not rule]
        if possible(_without(rules, fewer)):
            left_out = fewer
    return left_out


def _without(rules: Sequence[Rule], left_out: Sequence[Rule]) -> list[Rule]:
    """*rules* but for some."""
    return [rule for rule in rules if rule not in left_out]


def _may_leave(problem: Problem, ways: Ways, vm: VM) -> bool:
    """Whether there is a host that is not emptied itself to which *vm* may go, with disks or without."""
    others = {uuid: host for uuid, host in problem.pool.hosts.items() if uuid not in problem.intent.empty}
    plain = others.keys() & ways.targets_without_disks(vm)
    return bool(plain) or any(ways.carried(vm, host) for host in others.values())


def _why(problem: Problem, ways: Ways, legality: Legality, vm: VM) -> str:
    """The rule that holds *vm*, or those that close the other hosts to it."""
    held = legality.held_by(vm)
    if held:
        return f"{held[0].rule} ({held[0].words})"
    others = [host for uuid, host in problem.pool.hosts.items() if uuid != vm.resident_on]
    against = ((ways.why_none(vm, host) or legality.objections(vm, host))[:1] for host in others)
    reasons = Counter(objection.rule for objections in against for objection in objections)
    closed = ", ".join(f"{rule} closes {count}" for rule, count in sorted(reasons.items()))
    return f"of {len(others)} other hosts {closed}" if closed else "there is no other host"

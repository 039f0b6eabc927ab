"""Why nothing satisfies the rules: who cannot leave, and without which rule there would be a way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules import Legality, PoolRule, Rule

Possible = Callable[[Sequence[Rule]], bool]


def held_on_emptied_hosts(problem: Problem, rules: Sequence[Rule]) -> tuple[str, ...]:
    """One sentence for each VM that has nowhere to go from a host that is evacuated."""
    legality = Legality(problem, rules)
    found = []
    for uuid, host in sorted(problem.initial.host_of.items()):
        vm = problem.pool.vms[uuid]
        if host in problem.intent.empty and not _ways_out(problem, legality, vm):
            name = problem.pool.hosts[host].name
            found.append(f"VM {vm.name!r} cannot leave host {name!r}: {_why(problem, legality, vm)}")
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


def _ways_out(problem: Problem, legality: Legality, vm: VM) -> list[str]:
    """Hosts that *vm* may go to and that are not emptied themselves."""
    return [host for host in legality.targets(vm) if host not in problem.intent.empty]


def _why(problem: Problem, legality: Legality, vm: VM) -> str:
    """The rule that holds *vm*, or those that close the other hosts to it."""
    held = legality.held_by(vm)
    if held:
        return f"{held[0].rule} ({held[0].words})"
    others = [host for uuid, host in problem.pool.hosts.items() if uuid != vm.resident_on]
    reasons = Counter(objection.rule for host in others for objection in legality.objections(vm, host)[:1])
    closed = ", ".join(f"{rule} closes {count}" for rule, count in sorted(reasons.items()))
    return f"of {len(others)} other hosts {closed}" if closed else "there is no other host"

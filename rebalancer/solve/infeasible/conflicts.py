"""Why nothing satisfies the rules: who cannot leave, and without which rule there would be a way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from rebalancer.inventory import VM
from rebalancer.policy import Mode
from rebalancer.problem import Problem
from rebalancer.rules import Legality, PoolRule, Rule
from rebalancer.rules.routes import Routes
from rebalancer.solve.instance.instance import Instance

Possible = Callable[[Sequence[Rule]], bool]


def held_on_emptied_hosts(problem: Problem, rules: Sequence[Rule]) -> tuple[str, ...]:
    """One sentence for each VM that has nowhere to go from a host that is evacuated."""
    ways, legality = Routes(problem, rules), Legality(problem, rules)
    return tuple(
        f"VM {vm.name!r} cannot leave host {_host_name(problem, vm)!r}: {_why(problem, ways, legality, vm)}"
        for vm in held_vms(problem, rules)
    )


def held_vms(problem: Problem, rules: Sequence[Rule], *, among: Iterable[VM] | None = None) -> tuple[VM, ...]:
    """The VMs that have nowhere to go from a host that is evacuated; only those of *among* are asked about, if any."""
    ways = Routes(problem, rules)
    asked = [problem.pool.vms[vm] for vm in sorted(problem.initial)] if among is None else among
    leaving = (vm for vm in asked if problem.initial[vm.uuid] in problem.intent.empty)
    return tuple(vm for vm in leaving if not _may_leave(problem, ways, vm))


def left_behind(instance: Instance) -> tuple[str, ...]:
    """One sentence for each VM on a host that is evacuated which no choice of the model can move away."""
    problem = instance.problem
    movable = {vm for members in instance.units for vm in members}
    empty = problem.intent.empty if problem.policy.mode is Mode.EVACUATE else {}
    held = (problem.pool.vms[vm] for vm, host in sorted(problem.initial.host_of.items()) if host in empty)
    return tuple(
        f"VM {vm.name!r} cannot leave host {_host_name(problem, vm)!r}: no host takes all that it is kept together with"
        for vm in held
        if vm.uuid not in movable
    )


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


def _host_name(problem: Problem, vm: VM) -> str:
    """The host where *vm* is."""
    return problem.pool.hosts[problem.initial[vm.uuid]].name


def _may_leave(problem: Problem, ways: Routes, vm: VM) -> bool:
    """Whether there is a host that is not emptied itself to which *vm* may go, with disks or without."""
    others = {uuid: host for uuid, host in problem.pool.hosts.items() if uuid not in problem.intent.empty}
    plain = others.keys() & ways.targets_without_disks(vm)
    return bool(plain) or any(ways.carried(vm, host) for host in others.values())


def _why(problem: Problem, ways: Routes, legality: Legality, vm: VM) -> str:
    """The rule that holds *vm*, or those that close the other hosts to it."""
    held = legality.held_by(vm)
    if held:
        return f"{held[0].rule} ({held[0].words})"
    others = [host for uuid, host in problem.pool.hosts.items() if uuid != vm.resident_on]
    against = ((ways.why_none(vm, host) or legality.objections(vm, host))[:1] for host in others)
    reasons = Counter(objection.rule for objections in against for objection in objections)
    closed = ", ".join(f"{rule} closes {count}" for rule, count in sorted(reasons.items()))
    return f"of {len(others)} other hosts {closed}" if closed else "there is no other host"

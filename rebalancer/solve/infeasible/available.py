"""What could be given up in one case, each thing by itself.

XAPI's own rules are not among it. A VM that they hold can be shut down, which is no concession of the policy's.
"""

from __future__ import annotations

from collections.abc import Iterator

from rebalancer.rules import Legality, Origin, PoolRule
from rebalancer.rules.availability.spare import Spare
from rebalancer.rules.disks.shared_sr_visible import SharedSRVisible
from rebalancer.rules.routes import Routes
from rebalancer.rules.storage_catalogue import STORAGE_DOCUMENTED
from rebalancer.solve.infeasible.concessions import (
    Case,
    LetMove,
    MoreGib,
    MoreMoves,
    NoReserve,
    NoSpare,
    NoWish,
    Offer,
    Relaxed,
    TakeDisks,
    Untied,
)

SECTIONS = ("together", "apart", "spread", "run_on")


def offers(case: Case) -> tuple[Offer, ...]:
    """All that could be given up in *case*, but for shutting VMs down; wishes and rules first, then single VMs."""
    return (*_limits(case), *_rules(case), *_reserves(case), *_wishes(case), *_single_vms(case))


def _limits(case: Case) -> Iterator[Offer]:
    """How much a plan may do."""
    limits = case.problem.policy.limits
    if limits.maximum_moves is not None:
        yield MoreMoves(allowed=limits.maximum_moves)
    if limits.maximum_gib is not None:
        yield MoreGib(allowed=limits.maximum_gib)


def _rules(case: Case) -> Iterator[Offer]:
    """Hosts to spare, rules of the manual, and that disks stay."""
    objecting = _objecting(case)
    if any(isinstance(rule, Spare) and rule.limits(case.problem) for rule in case.rules):
        yield NoSpare()
    elif SharedSRVisible.id in objecting and not case.problem.policy.storage_motion.enabled:
        yield TakeDisks()
    documented = {rule.id for rule in (*case.rules, *STORAGE_DOCUMENTED) if rule.origin is Origin.MANUAL}
    pool_rules = {rule.id for rule in case.rules if isinstance(rule, PoolRule)}
    gone = set(case.problem.policy.rules.relax)
    yield from (Relaxed(rule=rule) for rule in sorted(documented & (objecting | pool_rules) - gone))


def _objecting(case: Case) -> frozenset[str]:
    """Rules that object to some VM on some host, taking disks along or not."""
    problem = case.problem
    legality, ways = Legality(problem, case.rules), Routes(problem, case.rules)
    pairs = (
        (vm, host) for vm in map(problem.pool.vms.__getitem__, problem.initial) for host in problem.pool.hosts.values()
    )
    return frozenset(
        each.rule for vm, host in pairs for each in (*legality.objections(vm, host), *ways.why_none(vm, host))
    )


def _reserves(case: Case) -> Iterator[Offer]:
    """Memory kept free on single hosts."""
    for host, reserve in sorted(case.problem.intent.reserves.items()):
        if reserve.memory_bytes:
            name = case.problem.pool.hosts[host].name
            yield NoReserve(where=f"reserve on {name!r}", host=host, host_name=name, kept_bytes=reserve.memory_bytes)


def _wishes(case: Case) -> Iterator[Offer]:
    """Hard groups and ties."""
    for section in SECTIONS:
        for wish in getattr(case.problem.intent, section):
            if wish.hard:
                yield NoWish(where=f"{section} {wish.name!r}", vms=wish.vms, section=section, wish=wish)


def _single_vms(case: Case) -> Iterator[Offer]:
    """VMs that are never to be moved, and single ones of ties to some hosts."""
    vms = case.problem.pool.vms
    for vm in sorted(case.problem.intent.never_move):
        yield LetMove(vms=frozenset({vm}), vm=vm, vm_name=vms[vm].name)
    for tie in case.problem.intent.run_on:
        for vm in sorted(tie.vms) if tie.hard and len(tie.vms) > 1 else ():
            yield Untied(where=f"run_on {tie.name!r}", vms=frozenset({vm}), wish=tie.name, vm=vm, vm_name=vms[vm].name)

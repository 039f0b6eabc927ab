"""What could be given up under one rulebook, each thing by itself."""

from __future__ import annotations

from collections.abc import Iterator

from rebalancer.rules import WITH_STORAGE, Origin, Rulebook
from rebalancer.solve.infeasible.concessions import (
    Offer,
    let_move,
    more_gib,
    more_moves,
    no_reserve,
    no_spare,
    no_wish,
    relaxed,
    take_disks,
    untied,
)

SECTIONS = ("together", "apart", "spread", "run_on")
UNSEEN_DISKS = "shared-sr-visible"
"""The rule that holds VMs whose disks stay where they are."""


def offers(book: Rulebook) -> tuple[Offer, ...]:
    """All that could be given up, but for shutting VMs down; wishes and rules first, then single VMs."""
    return (*_limits(book), *_rules(book), *_reserves(book), *_wishes(book), *_single_vms(book))


def _limits(book: Rulebook) -> Iterator[Offer]:
    limits = book.problem.policy.limits
    if limits.maximum_moves is not None:
        yield more_moves(limits.maximum_moves)
    if limits.maximum_gib is not None:
        yield more_gib(limits.maximum_gib)


def _rules(book: Rulebook) -> Iterator[Offer]:
    """Hosts to spare, rules of the manual, and that disks stay."""
    objecting = _objecting(book)
    if book.restarts:
        yield no_spare()
    elif UNSEEN_DISKS in objecting and not book.problem.policy.storage_motion.enabled:
        yield take_disks()
    documented = {rule.id for rule in (*book.rules, *WITH_STORAGE) if rule.origin is Origin.MANUAL}
    pool_rules = {rule.id for rule in book.rules if rule.when}
    gone = set(book.problem.policy.rules.relax)
    yield from (relaxed(rule) for rule in sorted(documented & (objecting | pool_rules) - gone))


def _objecting(book: Rulebook) -> frozenset[str]:
    pool = book.problem.pool
    pairs = ((pool.vms[vm], host) for vm in book.problem.initial for host in pool.hosts.values())
    return frozenset(
        each.rule
        for vm, host in pairs
        for each in (*book.live.objections(vm, host), *book.routes.why_no_disks(vm, host))
    )


def _reserves(book: Rulebook) -> Iterator[Offer]:
    for host, reserve in sorted(book.problem.intent.reserves.items()):
        if reserve.memory_bytes:
            yield no_reserve(book.problem.pool.hosts[host], reserve.memory_bytes)


def _wishes(book: Rulebook) -> Iterator[Offer]:
    for section in SECTIONS:
        yield from (no_wish(section, wish) for wish in getattr(book.problem.intent, section) if wish.hard)


def _single_vms(book: Rulebook) -> Iterator[Offer]:
    """VMs that are never to be moved, and single ones of ties to some hosts."""
    intent, vms = book.problem.intent, book.problem.pool.vms
    yield from (let_move(vm, vms[vm].name) for vm in sorted(intent.never_move))
    for tie in intent.run_on:
        if tie.hard and len(tie.vms) > 1:
            yield from (untied(tie, vm, vms[vm].name) for vm in sorted(tie.vms))

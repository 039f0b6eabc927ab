"""What an operator may give up where nothing satisfies the rules: one table of kinds.

Each concession says where the policy has it, what to do, and the rules without it. XAPI's own rules are not among them:
what they object to is mended in the VM itself where that can be done, else the VM is shut down, and a host that is not
live is declared dead, or has its toolstack restarted where nobody knows whether it lives.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from operator import methodcaller

from rebalancer.errors import Concession
from rebalancer.inventory import VM, Host, PowerState, Uuid
from rebalancer.placement import Placement
from rebalancer.policy import Apart, Intent, Reserve, RunOn, SpreadOver, Squeezing, Together
from rebalancer.problem import Problem
from rebalancer.rules import WITH_STORAGE, Origin, Row, Rule, Rulebook
from rebalancer.squeeze import choice_for, key_for, squeeze_of
from rebalancer.units import first_few, size_in_words

Wish = Together | Apart | SpreadOver | RunOn
Words = Callable[[int, float], str]
"""What to do, where that makes so many moves and copies so many GiB."""
MOVES = "limits.maximum_moves"
NOBODY: frozenset[Uuid] = frozenset()
SECTIONS = ("together", "apart", "spread", "run_on")
SHOWN = 3
"""VMs that one offer names; more are counted."""
LIMITS_OF_HOSTS = {
    "host-load": "limits.host_load",
    "vms-per-host": "limits.vms_per_host",
    "vcpus-per-pcpu": "limits.vcpus_per_pcpu",
}
"""The key of the policy behind each rule about all that a host holds."""
UNSEEN_DISKS = "shared-sr-visible"
"""The rule that holds VMs whose disks stay where they are."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Offer:
    """One thing that could be given up.

    Args:
        where: the policy's key.
        words: what to do.
        without: the rules once it is given up.
        vms: the VMs that may move further by it alone; all where None.
    """

    where: str
    words: Words
    without: Callable[[Rulebook], Rulebook]
    vms: frozenset[Uuid] | None = None

    def concession(self, moves: int, gib: float) -> Concession:
        """It in words, where giving it up makes so many *moves* and copies so many *gib*."""
        return Concession(where=self.where, words=self.words(moves, gib))


def offers(book: Rulebook) -> tuple[Offer, ...]:
    """All that could be given up, but for shutting VMs down; wishes and rules first, then single VMs."""
    return (
        *_limits(book),
        *_limits_of_hosts(book),
        *_rules(book),
        *_reserves(book),
        *_wishes(book),
        *_squeezes(book),
        *_single_vms(book),
    )


def _limits(book: Rulebook) -> Iterator[Offer]:
    limits = book.problem.policy.limits
    if limits.maximum_moves is not None:
        yield Offer(
            where=MOVES,
            words=lambda moves, _: f"allow {moves} moves instead of {limits.maximum_moves}",
            without=lambda book: _limited(book, maximum_moves=None),
            vms=NOBODY,
        )
    if limits.maximum_gib is not None:
        yield Offer(
            where="limits.maximum_gib",
            words=lambda _, gib: f"allow {ceil(10 * gib) / 10:g} GiB instead of {limits.maximum_gib:g}",
            without=lambda book: _limited(book, maximum_gib=None),
            vms=NOBODY,
        )


def _limits_of_hosts(book: Rulebook) -> Iterator[Offer]:
    """Limits of every host that bind, one key of the policy each."""
    binding = {bound.rule.id for bound in book.limits if not isinstance(bound.limit, Row) or bound.limit.hard}
    for rule, key in LIMITS_OF_HOSTS.items():
        if rule in binding:
            yield Offer(
                where=key, words=_always(f"do without {key}"), without=methodcaller("without", rule), vms=NOBODY
            )


def _rules(book: Rulebook) -> Iterator[Offer]:
    """Hosts to spare, rules of the manual, and that disks stay."""
    objecting = _objecting(book)
    if book.restarts:
        words = _always("do without hosts to spare")
        yield Offer(where="spare", words=words, without=lambda book: book.without("spare"), vms=NOBODY)
    elif UNSEEN_DISKS in objecting and not book.problem.policy.storage_motion.enabled:
        words = _always("let VMs take their disks along")
        yield Offer(where="storage_motion.enabled", words=words, without=lambda book: book.with_disks)
    documented = {rule.id for rule in (*book.rules, *WITH_STORAGE) if rule.origin is Origin.MANUAL}
    pool_rules = {rule.id for rule in book.rules if rule.when}
    gone = set(book.problem.policy.rules.relax)
    for rule in sorted(documented & (objecting | pool_rules) - gone):
        words = _always(f"relax the rule {rule}")
        yield Offer(where="rules.relax", words=words, without=methodcaller("relaxed", rule))


def _objecting(book: Rulebook) -> frozenset[str]:
    pool = book.problem.pool
    pairs = ((pool.vms[vm], host) for vm in book.problem.initial for host in pool.hosts.values())
    objections = ((*book.live.objections(vm, host), *book.routes.why_no_disks(vm, host)) for vm, host in pairs)
    return frozenset(each.rule for found in objections for each in found)


def _reserves(book: Rulebook) -> Iterator[Offer]:
    for host, reserve in sorted(book.problem.intent.reserves.items()):
        if reserve.memory_bytes:
            yield _no_reserve(host, book.problem.names.hosts[host], reserve.memory_bytes)


def _wishes(book: Rulebook) -> Iterator[Offer]:
    for section in SECTIONS:
        yield from (_no_wish(section, wish) for wish in getattr(book.problem.intent, section) if wish.hard)


def _squeezes(book: Rulebook) -> Iterator[Offer]:
    """That VMs may be squeezed while they move, for each key of the policy that forbids it."""
    problem, held = book.problem, defaultdict[str, list[Uuid]](list)
    for vm in sorted(problem.initial):
        squeeze = squeeze_of(problem.pool.vms[vm], problem.demand)
        if squeeze and choice_for(squeeze, problem.policy.squeeze) is Squeezing.FORBID:
            held[key_for(squeeze, problem.policy.squeeze)].append(vm)
    for key, vms in held.items():
        names = first_few([repr(problem.names.vms[vm]) for vm in vms], SHOWN)
        words, without = _always(f"let migrations squeeze {names}"), partial(_squeezing, key=key)
        yield Offer(where=f"squeeze.{key}", words=words, without=without, vms=frozenset(vms))


def _squeezing(book: Rulebook, *, key: str) -> Rulebook:
    policy = book.problem.policy
    squeeze = policy.squeeze.model_copy(update={key: Squeezing.LAST_RESORT})
    return book.under(replace(book.problem, policy=policy.model_copy(update={"squeeze": squeeze})))


def _single_vms(book: Rulebook) -> Iterator[Offer]:
    intent, names = book.problem.intent, book.problem.names.vms
    yield from (_let_move(vm, names[vm]) for vm in sorted(intent.never_move))
    for tie in intent.run_on:
        if tie.hard and len(tie.vms) > 1:
            yield from (_untied(tie, vm, names[vm]) for vm in sorted(tie.vms))


def _no_reserve(host: Uuid, host_name: str, kept_bytes: int) -> Offer:
    """No memory is kept free on one host; its pCPUs stay reserved."""

    def without(intent: Intent) -> Intent:
        kept = Reserve(pcpus=intent.reserves[host].pcpus)
        return replace(intent, reserves={**intent.reserves, host: kept})

    words = _always(f"keep no {size_in_words(kept_bytes)} free on {host_name!r}")
    return Offer(where=f"reserve on {host_name!r}", words=words, without=_intending(without), vms=NOBODY)


def _no_wish(section: str, wish: Wish) -> Offer:
    def without(intent: Intent) -> Intent:
        kept = tuple(each for each in getattr(intent, section) if each is not wish)
        changed: dict[str, tuple[Wish, ...]] = {section: kept}
        return replace(intent, **changed)  # type: ignore[arg-type]

    where = f"{section} {wish.name!r}"
    return Offer(where=where, words=_always(f"do without {where}"), without=_intending(without), vms=wish.vms)


def _untied(tie: RunOn, vm: Uuid, vm_name: str) -> Offer:
    def without(intent: Intent) -> Intent:
        ties = (replace(each, vms=each.vms - {vm}) if each.name == tie.name else each for each in intent.run_on)
        return replace(intent, run_on=tuple(ties))

    where = f"run_on {tie.name!r}"
    words = _always(f"let {vm_name!r} run elsewhere than {where} says")
    return Offer(where=where, words=words, without=_intending(without), vms=frozenset({vm}))


def _let_move(vm: Uuid, vm_name: str) -> Offer:
    def without(intent: Intent) -> Intent:
        return replace(intent, never_move={each: why for each, why in intent.never_move.items() if each != vm})

    words = _always(f"let {vm_name!r} move")
    return Offer(where="never_move", words=words, without=_intending(without), vms=frozenset({vm}))


def mends(book: Rulebook, vm: VM) -> tuple[Offer, ...]:
    """What can be mended in *vm*, one offer for each rule that objects somewhere and knows how."""
    found: dict[str, Offer] = {}
    for host in book.problem.pool.hosts.values():
        for rule, objection in book.mendable(vm, host):
            found.setdefault(objection.remedy, _mended(book, rule, vm, host, objection.remedy))
    return tuple(found.values())


def _mended(book: Rulebook, rule: Rule, vm: VM, host: Host, remedy: str) -> Offer:
    def without(book: Rulebook) -> Rulebook:
        problem = book.problem
        mended = rule.mended(problem.pool.vms[vm.uuid], host, problem) or problem.pool.vms[vm.uuid]
        return book.under(replace(problem, pool=replace(problem.pool, vms={**problem.pool.vms, vm.uuid: mended})))

    words = _always(f"{remedy} (VM {book.problem.names.vms[vm.uuid]!r})")
    return Offer(where="vm", words=words, without=without, vms=frozenset({vm.uuid}))


def shut_down(vm: Uuid, words: str) -> Offer:
    """A VM that nothing else lets leave its host is on no host, once what *words* say is done."""
    return Offer(where="vm", words=_always(words), without=lambda book: book.under(_halted(book.problem, {vm})))


def declare_dead(host: Uuid, host_name: str) -> Offer:
    """The VMs of a host that is not live are on no host once it is declared dead; nobody could shut them down."""

    def without(book: Rulebook) -> Rulebook:
        there = {vm for vm, at in book.problem.initial.host_of.items() if at == host}
        return book.under(_halted(book.problem, there))

    words = _always(f"declare host {host_name!r} dead, once it surely is off")
    return Offer(where="host", words=words, without=without)


def restart_toolstack(host: Uuid, host_name: str) -> Offer:
    """Of a host without metrics nobody knows whether it lives: once they are written anew, its VMs may leave it."""

    def without(book: Rulebook) -> Rulebook:
        problem = book.problem
        known = replace(problem.pool.hosts[host], live=True)
        return book.under(replace(problem, pool=replace(problem.pool, hosts={**problem.pool.hosts, host: known})))

    return Offer(where="host", words=_always(f"restart the toolstack of host {host_name!r}"), without=without)


def _halted(problem: Problem, vms: Collection[Uuid]) -> Problem:
    """*problem* where *vms* run on no host."""
    known = problem.pool.vms
    halted = {vm: replace(known[vm], resident_on=None, power_state=PowerState.HALTED) for vm in vms}
    start = problem.initial
    rest = Placement(
        {each: host for each, host in start.host_of.items() if each not in vms},
        {each: srs for each, srs in start.srs_of.items() if each not in vms},
    )
    return replace(problem, pool=replace(problem.pool, vms={**known, **halted}), initial=rest)


def _always(words: str) -> Words:
    return lambda _moves, _gib: words


def _limited(book: Rulebook, **limits: float | None) -> Rulebook:
    problem = book.problem
    changed = problem.policy.limits.model_copy(update=limits)
    return book.under(replace(problem, policy=problem.policy.model_copy(update={"limits": changed})))


def _intending(changed: Callable[[Intent], Intent]) -> Callable[[Rulebook], Rulebook]:
    return lambda book: book.under(replace(book.problem, intent=changed(book.problem.intent)))

"""Wishes that one pool cannot keep, whatever is moved, or could not keep any more without one of its hosts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rebalancer.inventory import Names, Pool, Uuid
from rebalancer.policy.intent import Apart, Intent, SpreadOver
from rebalancer.policy.lint.contradictions import SHOWN, allowed_hosts, contradictions, names, units_of
from rebalancer.units import counted, first_few, size_in_words

Sayings = Iterator[tuple[str, str]]
"""The wish, and what is to be said about it."""


def impossible(intent: Intent, pool: Pool) -> Sayings:
    """What cannot be kept: the hard wishes among themselves, and each soft wish together with all hard ones."""
    hard = list(_beyond_keeping(intent.binding, pool))
    yield from hard
    for wish, harder in intent.bound_by_each_wish():
        for where, words in _beyond_keeping(harder, pool):
            if (where, words) not in hard:
                yield f"{wish}, soft", words if where == wish else f"excludes {where}: {words}"


def fragile(intent: Intent, pool: Pool) -> Sayings:
    """Hard wishes that can be kept tonight, but not without some one host."""
    binding = intent.binding
    broken = {where for where, _ in _beyond_keeping(binding, pool)}
    hosts_of: dict[str, list[str]] = {}
    names_of_hosts = Names(pool).hosts
    for host in sorted(pool.hosts.keys() - binding.empty.keys()) if len(pool.hosts) > 1 else ():
        lost = replace(binding, empty={**binding.empty, host: "lost"}, never_move={})
        for where in dict.fromkeys(where for where, _ in _beyond_keeping(lost, pool)):
            hosts_of.setdefault(where, []).append(names_of_hosts[host])
    for where, hosts in hosts_of.items():
        if where not in broken:
            any_of = first_few(list(map(repr, hosts)), SHOWN, between=" or ", more=" or one of {} more")
            yield where, f"impossible as soon as {any_of} is lost"


def _beyond_keeping(intent: Intent, pool: Pool) -> Sayings:
    """What cannot be kept, every wish taken as hard."""
    for found in contradictions(intent, pool):
        yield found.where, f"{found.problem}: cannot be kept"
    yield from _crowded(intent, pool)
    yield from _oversized(intent, pool)
    yield from _anchored_elsewhere(intent, pool)
    yield from _anchored_together(intent, pool)
    yield from _anchored_too_close(intent, pool)


def _spreading(
    intent: Intent, pool: Pool
) -> Iterator[tuple[str, Apart | SpreadOver, list[tuple[str, frozenset[Uuid]]]]]:
    """Groups of which a host or domain holds only so many, with the hosts of each of these places."""
    hosts = [(repr(name), frozenset({host})) for host, name in sorted(Names(pool).hosts.items())]
    for apart in intent.apart:
        yield f"apart {apart.name!r}", apart, hosts
    for spread in intent.spread:
        domains = [(f"{spread.domain} {domain!r}", members) for domain, members in spread.hosts_of.items()]
        yield f"spread {spread.name!r}", spread, domains


def _crowded(intent: Intent, pool: Pool) -> Sayings:
    for where, group, places in _spreading(intent, pool):
        hosts = {host for vm in group.vms for host in allowed_hosts(intent, [vm], pool)}
        left = sum(not members.isdisjoint(hosts) for _, members in places)
        if len(group.vms) > group.at_most * left:
            a_host = f"a host, hosts they may run on: {left}"
            room = f"in one {group.domain}, and only {left} to run in" if isinstance(group, SpreadOver) else a_host
            yield where, f"{counted(len(group.vms), 'VM')}, at most {group.at_most} {room}; cannot be kept"


def _oversized(intent: Intent, pool: Pool) -> Sayings:
    for unit in sorted({tuple(sorted(unit)) for unit in units_of(intent.together).values()}):
        needed = sum(pool.vms[vm].migration_memory_bytes for vm in unit)
        largest = max(
            (pool.hosts[host].memory_total_bytes or 0 for host in allowed_hosts(intent, unit, pool)), default=0
        )
        if needed > largest:
            wanted = ", ".join(repr(group.name) for group in intent.together if group.vms <= set(unit))
            sizes = f"have {size_in_words(needed)}, the largest host left to them {size_in_words(largest)}"
            yield f"together {wanted}", f"{names(unit, pool)} {sizes}: cannot be kept"


def _anchored_elsewhere(intent: Intent, pool: Pool) -> Sayings:
    """VMs that never move and are on a host that `run_on` does not name."""
    for wish in intent.run_on:
        for vm in sorted(wish.vms & intent.never_move.keys()):
            host = pool.vms[vm].resident_on
            if host is not None and host not in wish.hosts:
                yield (
                    f"run_on {wish.name!r}",
                    f"{names([vm], pool)} never moves and stays on {Names(pool).hosts[host]!r}",
                )


def _anchored_together(intent: Intent, pool: Pool) -> Sayings:
    for group in intent.together:
        if len(set(_fixed_hosts(intent, group.vms, pool))) > 1:
            yield f"together {group.name!r}", "its VMs that never move are on different hosts: cannot be kept"


def _anchored_too_close(intent: Intent, pool: Pool) -> Sayings:
    for where, group, places in _spreading(intent, pool):
        fixed = _fixed_hosts(intent, group.vms, pool)
        for place, hosts in places:
            held = sum(host in hosts for host in fixed)
            if held > group.at_most:
                yield where, f"{held} of its VMs never move and share {place}: cannot be kept"


def _fixed_hosts(intent: Intent, vms: frozenset[Uuid], pool: Pool) -> list[Uuid]:
    hosts = (pool.vms[vm].resident_on for vm in sorted(vms & intent.never_move.keys()))
    return [host for host in hosts if host is not None]

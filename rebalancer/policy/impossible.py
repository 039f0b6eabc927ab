"""Wishes that one pool cannot keep, whatever is moved, or could not keep any more without one of its hosts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rebalancer.inventory import Pool, Uuid
from rebalancer.policy.contradictions import SHOWN, allowed_hosts, contradictions, names, units_of
from rebalancer.policy.intent import Intent
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
    for host in sorted(pool.hosts.keys() - binding.empty.keys()) if len(pool.hosts) > 1 else ():
        lost = replace(binding, empty={**binding.empty, host: "lost"}, never_move={})
        for where in dict.fromkeys(where for where, _ in _beyond_keeping(lost, pool)):
            hosts_of.setdefault(where, []).append(pool.hosts[host].name)
    for where, hosts in hosts_of.items():
        if where not in broken:
            yield where, f"impossible as soon as {_either(hosts)} is lost"


def _either(hosts: Sequence[str]) -> str:
    return first_few([repr(host) for host in hosts], SHOWN, between=" or ", more=" or one of {} more")


def _beyond_keeping(intent: Intent, pool: Pool) -> Sayings:
    """What cannot be kept, every wish taken as hard."""
    for found in contradictions(intent, pool):
        yield found.where, f"{found.problem}: cannot be kept"
    yield from _crowded(intent, pool)
    yield from _crowded_domains(intent, pool)
    yield from _oversized(intent, pool)
    yield from _anchored_elsewhere(intent, pool)
    yield from _anchored_together(intent, pool)
    yield from _anchored_apart(intent, pool)
    yield from _anchored_in_domains(intent, pool)


def _crowded(intent: Intent, pool: Pool) -> Sayings:
    for group in intent.apart:
        hosts = _open_to(intent, group.vms, pool)
        if len(group.vms) > group.at_most * len(hosts):
            room = f"at most {group.at_most} a host, hosts they may run on: {len(hosts)}"
            yield f"apart {group.name!r}", f"{counted(len(group.vms), 'VM')}, {room}; cannot be kept"


def _crowded_domains(intent: Intent, pool: Pool) -> Sayings:
    for group in intent.spread:
        hosts = _open_to(intent, group.vms, pool)
        domains = [domain for domain, members in group.hosts_of.items() if members & hosts]
        if len(group.vms) > group.at_most * len(domains):
            room = f"at most {group.at_most} in one {group.domain}, and only {len(domains)} to run in"
            yield f"spread {group.name!r}", f"{counted(len(group.vms), 'VM')}, {room}; cannot be kept"


def _open_to(intent: Intent, vms: frozenset[Uuid], pool: Pool) -> frozenset[Uuid]:
    """Hosts that the policy leaves for any of *vms*."""
    return frozenset[Uuid]().union(*(allowed_hosts(intent, [vm], pool) for vm in vms))


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
                yield f"run_on {wish.name!r}", f"{names([vm], pool)} never moves and stays on {pool.hosts[host].name!r}"


def _anchored_together(intent: Intent, pool: Pool) -> Sayings:
    for group in intent.together:
        if len(set(_fixed_hosts(intent, group.vms, pool))) > 1:
            yield f"together {group.name!r}", "its VMs that never move are on different hosts: cannot be kept"


def _anchored_apart(intent: Intent, pool: Pool) -> Sayings:
    for group in intent.apart:
        fixed = _fixed_hosts(intent, group.vms, pool)
        for host in sorted(set(fixed)):
            if fixed.count(host) > group.at_most:
                share = f"{fixed.count(host)} of its VMs never move and share {pool.hosts[host].name!r}"
                yield f"apart {group.name!r}", f"{share}: cannot be kept"


def _anchored_in_domains(intent: Intent, pool: Pool) -> Sayings:
    for group in intent.spread:
        fixed = _fixed_hosts(intent, group.vms, pool)
        for domain, hosts in group.hosts_of.items():
            held = sum(host in hosts for host in fixed)
            if held > group.at_most:
                share = f"{held} of its VMs never move and share {group.domain} {domain!r}"
                yield f"spread {group.name!r}", f"{share}: cannot be kept"


def _fixed_hosts(intent: Intent, vms: frozenset[Uuid], pool: Pool) -> list[Uuid]:
    hosts = (pool.vms[vm].resident_on for vm in sorted(vms & intent.never_move.keys()))
    return [host for host in hosts if host is not None]

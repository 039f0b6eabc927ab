"""Which hosts may not take the VM of a step, and by which rule."""

from __future__ import annotations

from rebalancer.inventory import Uuid
from rebalancer.plan.step import RefusedHosts
from rebalancer.rules import Rulebook


def refused_hosts(vm: Uuid, book: Rulebook) -> tuple[RefusedHosts, ...]:
    """The hosts that may not take *vm* from where it is, by the first rule that says so, in the order of the pool.

    Whether a host has room is not asked: what has none now may have some later.
    """
    pool = book.problem.pool
    if vm not in book.problem.initial or vm not in pool.vms:
        return ()
    here, may_take = book.problem.initial[vm], book.targets(pool.vms[vm])
    words: dict[str, str] = {}
    hosts: dict[str, list[Uuid]] = {}
    for uuid, host in pool.hosts.items():
        if uuid == here or uuid in may_take:
            continue
        for objection in book.why_not(pool.vms[vm], host)[:1]:
            words.setdefault(objection.rule, objection.words)
            hosts.setdefault(objection.rule, []).append(uuid)
    return tuple(RefusedHosts(rule=rule, words=words[rule], hosts=tuple(hosts[rule])) for rule in hosts)

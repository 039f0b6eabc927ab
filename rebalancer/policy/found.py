"""What the pool itself says about placement: failure domains, VM groups, affinity, and tags that wish something.

Sources: XenAPI class `VM_group`, field `placement` (24.19 and later), and `VM.affinity`, the host to start on: XAPI
refuses no migration for either (xapi_vm_group_helpers.ml); the tags of Xen Orchestra's load balancer plugin.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from rebalancer.errors import PolicyError
from rebalancer.inventory import Host, Names, Pool, Uuid
from rebalancer.policy.intent import Apart, RunOn, Together

TOGETHER_TAGS = ("xo:load:balancer:affinity=", "rebalancer:together=")
APART_TAGS = ("xo:load:balancer:anti-affinity=", "rebalancer:apart=")
NEVER_MOVE_TAG = "rebalancer:never-move"
LEAVE_ALONE_TAGS = ("xo:load:balancer:ignore", "rebalancer:leave-alone")
"""Tags of VMs that no balancer moves, and that maintenance may."""
LAST_RESORT_TAG = "rebalancer:last-resort"
ANTI_AFFINITY = "anti_affinity"


def tagged_together(pool: Pool, *, hard: bool) -> tuple[Together, ...]:
    """Groups of two or more resident guests that a tag wants on one host, by name.

    Of pools that were joined, each has groups of its own: the same tag in two of them brings nobody over.
    """
    parts = pool.parts
    return tuple(
        Together(name=name if len(parts) == 1 else f"{name} in pool {part.called}", vms=vms, hard=hard)
        for part in parts
        for name, vms in _tag_groups(part, TOGETHER_TAGS)
    )


def tagged_apart(pool: Pool, *, hard: bool) -> tuple[Apart, ...]:
    """Groups of two or more resident guests that a tag wants on different hosts, by name."""
    return tuple(Apart(name=name, vms=vms, hard=hard) for name, vms in _tag_groups(pool, APART_TAGS))


def tagged_never_move(pool: Pool) -> dict[Uuid, str]:
    """Resident guests that a tag keeps where they are, even in maintenance, with the words that say which tag."""
    return {vm.uuid: f"tag {NEVER_MOVE_TAG}" for vm in pool.resident_guests() if NEVER_MOVE_TAG in vm.tags}


def tagged_leave_alone(pool: Pool) -> dict[Uuid, str]:
    """Resident guests that a tag keeps where they are but for maintenance, with the words that say which tag."""
    marks = ((vm.uuid, tag) for vm in pool.resident_guests() for tag in sorted(vm.tags, reverse=True))
    return {uuid: f"tag {tag}" for uuid, tag in marks if tag in LEAVE_ALONE_TAGS}


def tagged_last_resort(pool: Pool) -> dict[Uuid, str]:
    """Resident guests that a tag wants moved as a last resort only, with the words that say so."""
    return {vm.uuid: f"tag {LAST_RESORT_TAG}" for vm in pool.resident_guests() if LAST_RESORT_TAG in vm.tags}


def preferred_hosts(pool: Pool) -> tuple[RunOn, ...]:
    """A soft wish for each host that resident guests name as the one to start on."""
    fans: dict[Uuid, set[Uuid]] = defaultdict(set)
    for vm in pool.resident_guests():
        if vm.affinity is not None and vm.affinity in pool.hosts:
            fans[vm.affinity].add(vm.uuid)
    names = Names(pool).hosts
    return tuple(
        RunOn(name=f"affinity {names[host]}", vms=frozenset(vms), hosts=frozenset({host}), hard=False)
        for host, vms in sorted(fans.items())
    )


def grouped_apart(pool: Pool, *, hard: bool) -> tuple[Apart, ...]:
    """The pool's VM groups with placement `anti_affinity` that hold two or more resident guests."""
    resident = {vm.uuid for vm in pool.resident_guests()}
    groups = (
        Apart(name=f"VM group {group.name}", vms=frozenset(resident.intersection(group.vms)), hard=hard)
        for group in pool.vm_groups.values()
        if group.placement == ANTI_AFFINITY
    )
    return tuple(group for group in groups if len(group.vms) > 1)


def _tag_groups(pool: Pool, prefixes: tuple[str, ...]) -> Iterator[tuple[str, frozenset[Uuid]]]:
    """Each tag that begins with one of *prefixes* and that two or more resident guests carry."""
    members: dict[str, set[Uuid]] = defaultdict(set)
    for vm in pool.resident_guests():
        for tag in vm.tags:
            if any(tag.startswith(prefix) and tag != prefix for prefix in prefixes):
                members[tag].add(vm.uuid)
    return ((f"tag {tag}", frozenset(vms)) for tag, vms in sorted(members.items()) if len(vms) > 1)


def domains_of(pool: Pool, domain: str, where: str) -> Mapping[str, frozenset[Uuid]]:
    """The hosts of every failure domain, by its name: a host tagged `rack:A` is in `A` where *domain* is `rack`.

    Raises:
        PolicyError: a host has no such tag, or several: where it stands is not to be guessed.
    """
    found: dict[str, set[Uuid]] = defaultdict(set)
    for host in pool.hosts.values():
        found[_domain_of(host, domain, where)].add(host.uuid)
    return {name: frozenset(found[name]) for name in sorted(found)}


def _domain_of(host: Host, domain: str, where: str) -> str:
    prefix = f"{domain}:"
    values = sorted({tag.removeprefix(prefix) for tag in host.tags if tag.startswith(prefix) and tag != prefix})
    if len(values) == 1:
        return values[0]
    has = f"tags for {len(values)} of them: {', '.join(values)}" if values else f"no tag {prefix}NAME"
    remedy = f"Tag it with `xe host-param-add uuid={host.uuid} param-name=tags param-key={prefix}NAME`"
    problem = f"every host is in one {domain}, but host {host.name!r} has {has}"
    raise PolicyError(where, problem, "Remove all tags but one" if values else remedy)

"""Rules of generated instances: groups apart, of which one in three is broken, groups together, and pinned VMs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

APART = ((2, 40), (3, 80), (4, 150))
"""VMs of a group, and how many VMs there are in the pool for one group of them."""
TOGETHER, PINNED = 100, 50
"""VMs of the pool for one pair that keeps together, and for one pinned VM."""
BROKEN = 3
"""One group apart in so many has two VMs on one host."""

Rules = dict[str, list[dict[str, Any]]]


def drawn_rules(rng: np.random.Generator, at: Mapping[str, str], known: Rules) -> Rules:
    """Rules over the VMs of *at* (VM -> host), no VM in two of them; names go on from the *known* ones."""
    free = [str(vm) for vm in rng.permutation(list(at))]
    first = {kind: len(rules) for kind, rules in known.items()}
    pinned = [free.pop() for _ in range(len(at) // PINNED)]
    together = [_on_one_host(free, at) for _ in range(len(at) // TOGETHER)]
    sizes = [size for size, each in APART for _ in range(len(at) // each)]
    apart = [_apart(free, at, size, broken=index % BROKEN == 0) for index, size in enumerate(sizes)]
    return {
        "anti_affinity": _named("aa", first["anti_affinity"], apart),
        "affinity": _named("af", first["affinity"], together),
        "pinned": [{"vm": vm, "hosts": [at[vm]]} for vm in pinned],
    }


def tags_of(rules: Rules) -> dict[str, list[str]]:
    """The tags that VMs in groups carry."""
    words = (("anti", rules.get("anti_affinity", ())), ("aff", rules.get("affinity", ())))
    return {vm: [f"{word}-{group['name']}"] for word, groups in words for group in groups for vm in group["vms"]}


def _named(prefix: str, first: int, groups: list[list[str]]) -> list[dict[str, Any]]:
    """Groups as the format writes them."""
    return [{"name": f"{prefix}{first + index:02}", "vms": vms} for index, vms in enumerate(groups)]


def _on_one_host(free: list[str], at: Mapping[str, str]) -> list[str]:
    """Take two VMs of one host from *free*."""
    return _taken(free, next([vm, other] for vm in free for other in free if other != vm and at[vm] == at[other]))


def _apart(free: list[str], at: Mapping[str, str], size: int, *, broken: bool) -> list[str]:
    """Take *size* VMs from *free*, on hosts of their own but for two where the rule is *broken*."""
    group = _on_one_host(free, at) if broken else []
    for vm in free:
        if len(group) < size and at[vm] not in {at[each] for each in group}:
            group.append(vm)
    return _taken(free, group)


def _taken(free: list[str], group: list[str]) -> list[str]:
    """Take the group out of *free*."""
    free[:] = [vm for vm in free if vm not in group]
    return group

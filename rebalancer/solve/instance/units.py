"""VMs that move as one, because they belong together and are."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.inventory import Uuid
from rebalancer.problem import Problem
from rebalancer.rules import Affinity


def merged(problem: Problem, groups: Sequence[Affinity]) -> list[tuple[Uuid, ...]]:
    """All VMs, those of a group that is on one host now joined; sorted."""
    leader = {vm: vm for vm in problem.initial}

    def find(vm: Uuid) -> Uuid:
        while leader[vm] != vm:
            vm = leader[vm]
        return vm

    for group in groups:
        members = sorted(vm for vm in group.vms if vm in leader)
        if len({problem.initial[vm] for vm in members}) == 1:
            for vm in members[1:]:
                leader[find(vm)] = find(members[0])
    merged: dict[Uuid, list[Uuid]] = {}
    for vm in sorted(leader):
        merged.setdefault(find(vm), []).append(vm)
    return [tuple(members) for members in merged.values()]

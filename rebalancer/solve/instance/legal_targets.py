"""VMs that move as one, where they may go, and what they have to take along."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rebalancer.inventory import Uuid
from rebalancer.policy import Mode
from rebalancer.problem import Problem
from rebalancer.rules import Affinity, Rulebook
from rebalancer.rules.routes import DisksAlong
from rebalancer.solve.instance.rows import Bools


class Targets:
    """The hosts of each VM; `carried` tells, by VM and host, of those that it reaches with disks only."""

    def __init__(self, book: Rulebook) -> None:
        self.carried: dict[Uuid, dict[Uuid, DisksAlong]] = {}
        self._book, self._problem = book, book.problem
        self._index = {host: number for number, host in enumerate(book.problem.pool.hosts)}

    def of(self, members: tuple[Uuid, ...]) -> Bools:
        """Hosts that every member may be on, shape (hosts,)."""
        legal = np.ones(len(self._index), dtype=np.bool_)
        for vm in members:
            legal &= self._of_vm(vm)
        return legal

    def _of_vm(self, uuid: Uuid) -> Bools:
        """Hosts that one VM may be on; it has to leave a host that is evacuated if it can, unless it is to stay."""
        vm, home = self._problem.pool.vms[uuid], self._problem.initial[uuid]
        plain = self._book.live.targets(vm)
        others = [host for uuid, host in self._problem.pool.hosts.items() if uuid not in plain]
        self.carried[uuid] = {host.uuid: each for host in others if (each := self._book.routes.disks_along(vm, host))}
        legal = np.zeros(len(self._index), dtype=np.bool_)
        evacuating = self._problem.policy.mode is Mode.EVACUATE
        barred = self._problem.intent.empty if evacuating else {}
        legal[[self._index[host] for host in (*plain, *self.carried[uuid]) if host not in barred]] = True
        legal[self._index[home]] = home not in barred or uuid in self._problem.staying
        return legal


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

"""XenMotion ends where its pool ends."""

from __future__ import annotations

from rebalancer.inventory import VM, Host, Uuid
from rebalancer.placement import disks_of
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, PairRule


class SamePool(PairRule[tuple[Uuid, bool]]):
    """What is said of a target in another pool as long as no disks go along: nothing else matters then.

    A VM without disks could go there by `VM.migrate_send` with an empty map; no plan holds such a step.
    """

    id = "same-pool"
    sentence = "The target is in the pool of the VM; another pool is reached with all disks or not at all."
    source = "message_forwarding.ml: VM.pool_migrate takes a host of its own database"
    origin = Origin.XAPI
    code = "HANDLE_INVALID"

    def needs(self, vm: VM, problem: Problem) -> tuple[Uuid, bool]:
        """The pool where *vm* is, and whether it has disks."""
        return problem.pool.of_vm(vm).uuid, any(disks_of(vm, problem.pool))

    def objects(self, needs: tuple[Uuid, bool], host: Host, problem: Problem) -> Objection | None:
        """A host of another pool."""
        home, has_disks = needs
        there = problem.pool.of_host(host.uuid)
        if there.uuid == home:
            return None
        if not has_disks:
            return self.objection(f"has no disk, and plans take VMs to another pool, {there.called}, only with disks")
        return self.objection(f"is in another pool, {there.called}, which is reached with all disks or not at all")

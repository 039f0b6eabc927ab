"""XenMotion ends where its pool ends."""

from __future__ import annotations

from rebalancer.inventory import VM, Host, Uuid
from rebalancer.problem import Problem
from rebalancer.rules.base import Objection, Origin, PairRule


class SamePool(PairRule[Uuid]):
    """What is said of a target in another pool as long as no disks go along: nothing else matters then."""

    id = "same-pool"
    sentence = "The target is in the pool of the VM; another pool is reached with all disks or not at all."
    source = "message_forwarding.ml: VM.pool_migrate takes a host of its own database"
    origin = Origin.XAPI
    code = "HANDLE_INVALID"

    def needs(self, vm: VM, problem: Problem) -> Uuid:
        """The pool where *vm* is."""
        return problem.pool.of_vm(vm).uuid

    def objects(self, needs: Uuid, host: Host, problem: Problem) -> Objection | None:
        """A host of another pool."""
        there = problem.pool.of_host(host.uuid)
        if there.uuid == needs:
            return None
        return self.objection(f"is in another pool, {there.called}, which is reached with all disks or not at all")

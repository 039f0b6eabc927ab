"""The host that has to send the VM is live."""

from __future__ import annotations

from rebalancer.held import DECLARE_DEAD, RESTART_TOOLSTACK
from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, VMRule


class SourceLive(VMRule):
    """The call is forwarded to the source host, which may be disabled, but not dead."""

    id = "source-live"
    sentence = "The host on which the VM runs is live."
    source = "message_forwarding.ml: do_op_on"
    origin = Origin.XAPI
    code = "HOST_OFFLINE"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A source that is not live, or of which nobody knows; a VM that is nowhere has none."""
        if vm.resident_on is None:
            return None
        host = problem.pool.hosts.get(vm.resident_on)
        if host is None or host.live is None:
            words = "of its own host nobody knows whether it lives"
            return self.objection(words, remedy=RESTART_TOOLSTACK, disruption=Disruption.POOL)
        if host.live:
            return None
        return self.objection("its own host is not live", remedy=DECLARE_DEAD, disruption=Disruption.POOL)

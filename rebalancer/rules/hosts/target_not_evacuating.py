"""The target is not being emptied or shut down."""

from __future__ import annotations

from rebalancer.inventory import Host
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import HostRule, Objection, Origin

LEAVING = frozenset({"evacuate", "reboot", "shutdown"})


class TargetNotEvacuating(HostRule):
    """xapi refuses at once, it does not wait as it does for operations on the VM."""

    id = "target-not-evacuating"
    sentence = "No evacuation, reboot or shutdown of the target is under way."
    source = "xapi_host_helpers.ml: valid_operations"
    origin = Origin.XAPI
    code = "OTHER_OPERATION_IN_PROGRESS"

    def objects(self, host: Host, problem: Problem) -> Objection | None:
        """A host that is being left."""
        found = sorted(LEAVING & set(host.current_operations))
        if not found:
            return None
        words = f"its {found[0]} is under way"
        if set(found) <= set(host.ghost_operations):
            remedy = f"no task of it exists: restart the toolstack on host {problem.names.hosts[host.uuid]!r}"
            return self.objection(words, remedy=remedy, disruption=Disruption.POOL)
        return self.objection(words, remedy="wait until it ends", disruption=Disruption.WAIT)

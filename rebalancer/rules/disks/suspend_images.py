"""The memory of suspended VMs and snapshots can be read where it has to be copied."""

from __future__ import annotations

from rebalancer.inventory import DANGLING, VM, Host, PowerState
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, Objection, Origin
from rebalancer.rules.facts.counterparts import crosses


class SuspendImages(DiskRule):
    """`assert_can_migrate` does not ask; `migrate_send` looks up the image of every snapshot with memory."""

    id = "suspend-images"
    sentence = "Every snapshot with memory has its image, on an SR that the target is connected to, or else the source."
    source = "xapi_vm_migrate.ml: migrate_send'"
    origin = Origin.XAPI
    code = "SUSPEND_IMAGE_NOT_ACCESSIBLE"

    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """An image that is gone, or that the source cannot read."""
        for each in (vm, *problem.pool.snapshots_of(vm)):
            if each.power_state is PowerState.SUSPENDED and (objection := self._of_image(each, vm, host, problem)):
                return objection
        return None

    def _of_image(self, each: VM, vm: VM, host: Host, problem: Problem) -> Objection | None:
        """What stands against the image of *each*, which is *vm* or a snapshot of it."""
        own = each is vm
        what = "its memory" if own else f"the memory of its snapshot '{each.name}'"
        remedy, disruption = ("", Disruption.SETTING) if own else ("delete the snapshot", Disruption.POLICY)
        image = problem.pool.vdis.get(each.suspend_vdi or DANGLING)
        if image is None:
            words, code = f"the image that should hold {what} is gone", "HANDLE_INVALID"
            return self.objection(words, code=code, remedy=remedy, disruption=disruption)
        stays = image.sr in _connected(host) and not crosses(vm, host, problem)
        source = problem.pool.hosts.get(vm.resident_on or DANGLING)
        if stays or source is None or image.sr in _connected(source):
            return None
        words = f"{what} is on an SR to which its host is not connected"
        return self.objection(words, remedy=remedy, disruption=disruption)


def _connected(host: Host) -> set[str]:
    """SRs that *host* has a connection to, plugged or not."""
    return {pbd.sr for pbd in host.pbds}

"""The guest did not say that it cannot be suspended."""

from __future__ import annotations

from dataclasses import replace

from rebalancer.inventory import VM, Host, PowerState
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, VMRule

KEY = "data-cant-suspend-reason"


class CantSuspendReason(VMRule):
    """qemu or the guest names a device that cannot migrate; before XAPI 25.24 the move failed for it half-way."""

    id = "cant-suspend-reason"
    sentence = "The guest has not reported a reason why it cannot be suspended; an empty reason is one."
    source = "xapi_vm_lifecycle.ml: check_op_for_feature; xenopsd device.ml: assert_can_suspend"
    origin = Origin.XAPI
    code = "VM_NON_SUSPENDABLE"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A reason reported by a VM that lives."""
        lives = vm.power_state in (PowerState.RUNNING, PowerState.PAUSED)
        if not lives or vm.guest_metrics is None or KEY not in vm.guest_metrics.other:
            return None
        return self.objection(
            f"reports that it cannot be suspended: {vm.guest_metrics.other[KEY] or 'no reason given'}",
            remedy="install the guest tools and reboot the VM",
            disruption=Disruption.REBOOT,
        )

    def mended(self, vm: VM, host: Host, problem: Problem) -> VM | None:
        """A guest that reports no such reason."""
        guest = vm.guest_metrics
        if guest is None:
            return None
        kept = {key: value for key, value in guest.other.items() if key != KEY}
        return replace(vm, guest_metrics=replace(guest, other=kept))

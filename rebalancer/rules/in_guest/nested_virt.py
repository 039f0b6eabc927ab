"""The VM runs no hypervisor of its own."""

from __future__ import annotations

from dataclasses import replace

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, VMRule
from rebalancer.rules.facts.domain import says_true


class NestedVirt(VMRule):
    """What the running domain was built with counts; VM.platform only where no metrics say it."""

    id = "nested-virt"
    sentence = "The running domain was not built with nested virtualisation."
    source = "xapi_vm_lifecycle.ml: is_mobile, nested_virt"
    origin = Origin.XAPI
    code = "VM_IS_IMMOBILE"
    since = (1, 9, 91)

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """`nested-virt` in the domain."""
        built = vm.metrics.nested_virt if vm.metrics else None
        if not (says_true(vm.platform, "nested-virt") if built is None else built):
            return None
        remedy = "remove nested-virt from VM.platform and reboot the VM"
        return self.objection("was built with nested virtualisation", remedy=remedy, disruption=Disruption.REBOOT)

    def mended(self, vm: VM, host: Host, problem: Problem) -> VM | None:
        """The VM as it is built without."""
        kept = {key: value for key, value in vm.platform.items() if key != "nested-virt"}
        return replace(vm, platform=kept, metrics=vm.metrics and replace(vm.metrics, nested_virt=False))

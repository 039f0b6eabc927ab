"""USB devices hold a VM on the host that has them."""

from __future__ import annotations

from dataclasses import replace

from rebalancer.inventory import VM, Host, Uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, PairRule, VMRule


class NoVUSB(VMRule):
    """USB pass-through ties a VM to its host; a virtual TPM does not."""

    id = "no-vusb"
    sentence = "No USB device of the host is passed through to the VM."
    source = "xapi_vm_lifecycle.ml: check_operation_error"
    origin = Origin.XAPI
    code = "VM_HAS_VUSBS"
    since = (1, 57)

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """Any virtual USB device."""
        if not vm.vusbs:
            return None
        remedy = "remove the virtual USB device"
        return self.objection(f"virtual USB devices: {len(vm.vusbs)}", remedy=remedy, disruption=Disruption.GUEST)

    def mended(self, vm: VM, host: Host, problem: Problem) -> VM | None:
        """The VM without these devices."""
        return replace(vm, vusbs=(), usb_hosts=())


class USBOnTarget(PairRule[tuple[Uuid, ...]]):
    """Asked before a VM boots; a VM with USB devices that runs does not migrate anyway."""

    id = "usb-on-target"
    sentence = "The devices behind the VM's virtual USB devices are on the target."
    source = "xapi_vm_helpers.ml: assert_usbs_available"
    origin = Origin.XAPI
    code = "OPERATION_NOT_ALLOWED"
    since = (1, 57)

    def needs(self, vm: VM, problem: Problem) -> tuple[Uuid, ...] | None:
        """The hosts that have the devices."""
        return vm.usb_hosts or None

    def objects(self, needs: tuple[Uuid, ...], host: Host, problem: Problem) -> Objection | None:
        """A device on another host, or of which nobody knows where it is."""
        elsewhere = [each for each in needs if each != host.uuid]
        if not elsewhere:
            return None
        words, remedy = f"USB devices that the host does not have: {len(elsewhere)}", "remove the virtual USB device"
        return self.objection(words, remedy=remedy, disruption=Disruption.GUEST)

    def mended(self, vm: VM, host: Host, problem: Problem) -> VM | None:
        """The VM without these devices."""
        return replace(vm, vusbs=(), usb_hosts=())

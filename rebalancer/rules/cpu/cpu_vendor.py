"""The VM booted on a CPU of the target's vendor."""

from __future__ import annotations

from rebalancer.inventory import VM, Host, PowerState
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, PairRule


class CPUVendor(PairRule[str]):
    """A VM that recorded no vendor passes on any host that names one."""

    id = "cpu-vendor"
    sentence = "The target's CPUs are of the vendor on which the VM was booted."
    source = "cpuid_helpers.ml: assert_vm_is_compatible"
    origin = Origin.XAPI
    code = "VM_INCOMPATIBLE_WITH_THIS_HOST"

    def needs(self, vm: VM, problem: Problem) -> str | None:
        """The vendor, empty where none was recorded; a halted VM may boot anywhere."""
        return None if vm.power_state is PowerState.HALTED else vm.last_boot_cpu_flags.get("vendor", "")

    def objects(self, needs: str, host: Host, problem: Problem) -> Objection | None:
        """Another vendor, or a host that does not say."""
        vendor = host.cpu_info.get("vendor")
        if vendor is None:
            return self.objection("does not say of which vendor its CPUs are")
        if needs and needs != vendor:
            return self.objection(f"was booted on a CPU of {needs}, the host has {vendor}")
        return None

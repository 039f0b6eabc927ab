"""The target offers the VM's version of virtual hardware."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, PairRule

IMPLICIT = (0,)
"""What hosts support that know no versions of virtual hardware (below XenServer 6.5)."""


class HardwarePlatform(PairRule[int]):
    """A host lists every version that it supports; a higher number does not include a lower one."""

    id = "hardware-platform"
    sentence = "The target supports the virtual hardware platform version of the VM."
    source = "xapi_vm_helpers.ml: assert_hardware_platform_support"
    origin = Origin.XAPI
    code = "VM_HOST_INCOMPATIBLE_VIRTUAL_HARDWARE_PLATFORM_VERSION"

    def needs(self, vm: VM, problem: Problem) -> int:
        """The version, 0 where XAPI knows none."""
        return vm.hardware_platform_version or 0

    def objects(self, needs: int, host: Host, problem: Problem) -> Objection | None:
        """A version that the host does not list."""
        versions = host.virtual_hardware_platform_versions
        if needs in (IMPLICIT if versions is None else versions):
            return None
        known = ", ".join(map(str, versions or ())) or "none"
        return self.objection(f"needs virtual hardware version {needs}, the host supports {known}")

"""The manual's word: XenServer Tools are installed."""

from __future__ import annotations

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, VMRule
from rebalancer.rules.in_guest.guest_tools import has_drivers, with_tools


class GuestToolsInstalled(VMRule):
    """The manual asks it of every VM, of PV guests too; XAPI lets some of them go without."""

    id = "guest-tools-installed"
    sentence = "The guest tools are installed: the guest reports them or the version of their drivers."
    source = "XenServer 6.2 administrator's guide, 6.1: XenServer Tools must be installed on each VM"
    origin = Origin.MANUAL

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A guest that reports no tools; control domains have none."""
        guest = vm.guest_metrics
        if not vm.is_guest or has_drivers(guest) or (guest is not None and guest.pv_drivers_detected):
            return None
        remedy = "install the guest tools"
        return self.objection("reports no guest tools", remedy=remedy, disruption=Disruption.GUEST)

    def mended(self, vm: VM, host: Host, problem: Problem) -> VM | None:
        """The VM whose guest reports tools."""
        return with_tools(vm)

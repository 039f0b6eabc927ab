"""The manual's word: an IPv6 Linux VM needs a kernel above 3.0."""

from __future__ import annotations

from rebalancer.inventory import VM, GuestMetrics
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, VMRule
from rebalancer.rules.core.versions import numbers

TOO_OLD = (3, 0)


class IPv6LinuxKernel(VMRule):
    """Older kernels do not announce themselves on the new host."""

    id = "ipv6-linux-kernel"
    sentence = "A Linux guest with an IPv6 address runs a kernel above 3.0."
    source = "XenServer 6.2 administrator's guide, 6.1: IPv6 Linux VMs require a Linux kernel greater than 3.0"
    origin = Origin.MANUAL

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """An old kernel, or one that does not tell its version, on IPv6."""
        guest = vm.guest_metrics
        if guest is None or not _may_be_linux(guest) or not any("/ipv6/" in key for key in guest.networks):
            return None
        kernel = numbers(guest.os_version.get("uname", ""))[:2]
        if kernel > TOO_OLD:
            return None
        return self.objection(
            f"uses IPv6 with Linux kernel {guest.os_version.get('uname') or 'of unknown version'}",
            remedy="give it a kernel above 3.0 and reboot it",
            disruption=Disruption.REBOOT,
        )


def _may_be_linux(guest: GuestMetrics) -> bool:
    """Whether the guest does not say that it is Windows or a BSD."""
    distro = guest.os_version.get("distro", "").lower()
    return distro != "windows" and "bsd" not in distro

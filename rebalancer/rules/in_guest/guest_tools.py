"""The guest can be suspended: it has drivers with a version, or says so."""

from __future__ import annotations

import re
from dataclasses import replace

from rebalancer.inventory import VM, DomainType, GuestMetrics, Host, PowerState
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, VMRule

INTEGER = re.compile(r"[-+]?(0[xX][0-9a-fA-F][0-9a-fA-F_]*|0[oO][0-7][0-7_]*|0[bB][01][01_]*|(0u)?[0-9][0-9_]*)")
"""What OCaml's `int_of_string` reads."""


class GuestTools(VMRule):
    """What XAPI enforces of the manual's "tools must be installed": PV and PVH domains are exempt, FreeBSD is not."""

    id = "guest-tools"
    sentence = "An HVM guest reports the version of its drivers, or the feature to be suspended."
    source = "xapi_vm_lifecycle.ml: check_op_for_feature; xapi_pv_driver_version.ml: get_drivers_version"
    origin = Origin.XAPI
    code = "VM_LACKS_FEATURE"
    since = (1, 9, 81)

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A live HVM guest without version and without the feature."""
        kind = vm.metrics.current_domain_type if vm.metrics else None
        exempt = kind in (DomainType.PV, DomainType.PVH, DomainType.PV_IN_PVH)
        lives = vm.power_state in (PowerState.RUNNING, PowerState.PAUSED)
        if exempt or not lives or has_drivers(vm.guest_metrics) or _can_suspend(vm.guest_metrics):
            return None
        return self.objection(
            "reports neither guest tools nor that it can be suspended",
            remedy="install the guest tools",
            disruption=Disruption.GUEST,
        )

    def mended(self, vm: VM, host: Host, problem: Problem) -> VM | None:
        """The VM whose guest reports tools."""
        return with_tools(vm)


def has_drivers(guest: GuestMetrics | None) -> bool:
    """Whether the version of the drivers is one that xapi can read: every part that is there is an integer."""
    version = guest.pv_drivers_version if guest else {}
    parts = [version[part] for part in ("major", "minor", "micro", "build") if part in version]
    return {"major", "minor"} <= set(version) and all(INTEGER.fullmatch(part) for part in parts)


def with_tools(vm: VM) -> VM:
    """*vm* whose guest reports tools, whatever it reports besides."""
    guest = vm.guest_metrics or GuestMetrics(
        pv_drivers_version={}, pv_drivers_detected=None, other={}, os_version={}, networks={}
    )
    version = {**guest.pv_drivers_version, "major": "9", "minor": "0", "micro": "0", "build": "0"}
    return replace(vm, guest_metrics=replace(guest, pv_drivers_version=version, pv_drivers_detected=True))


def _can_suspend(guest: GuestMetrics | None) -> bool:
    return guest is not None and guest.other.get("feature-suspend") == "1"

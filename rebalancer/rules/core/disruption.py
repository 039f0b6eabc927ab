"""What a fix costs those who use the VM, and those who run the pool."""

from __future__ import annotations

from enum import StrEnum


class Disruption(StrEnum):
    """Kinds of fixes, the least disruptive first."""

    WAIT = "wait"
    """It ends by itself."""
    SETTING = "setting"
    """Something of the VM changes while it runs: a mark, a CD, a snapshot, a device that it can do without."""
    POLICY = "policy"
    """Somebody has to want something else: the policy, a tag, HA, a snapshot."""
    POOL = "pool"
    """Work on a host, an SR or the licence, or disks that are copied; the VM runs on."""
    GUEST = "guest"
    """Work inside the guest."""
    REBOOT = "reboot"
    """The VM restarts where it is."""
    SHUT_DOWN = "shut down"
    """The VM is halted until it runs elsewhere, or may come back."""

    @property
    def rank(self) -> int:
        """Where it stands among all."""
        return tuple(Disruption).index(self)

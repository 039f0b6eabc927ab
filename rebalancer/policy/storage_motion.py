"""What the policy says of VMs that take disks along."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rebalancer.policy.section import MUCH, Names, Section


class StorageMotionPolicy(Section):
    """Whether VMs may take disks along that their new host cannot see, and to which SRs.

    `srs` are the only ones that disks may go to, all where it is empty, never those of `never`. On each of them
    `keep_free_gib` stay free. `xendesktop` names the VMs of XenDesktop deployments, which keep their disks.
    """

    enabled: bool = False
    srs: Names = ()
    never: Names = ()
    keep_free_gib: Annotated[float, Field(ge=0, le=MUCH)] = 0.0
    xendesktop: Names = ()

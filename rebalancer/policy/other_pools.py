"""What the policy says of VMs that go to another pool."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import model_validator

from rebalancer.policy.section import Section, Title


class OtherPoolsPolicy(Section):
    """Whether VMs may go to another pool with all their disks, and where their networks and SRs lead there.

    `networks` maps networks of one pool to networks of another, `srs` likewise the SRs of disks, each by uuid or name.
    What is not named goes to the network of the same name, and to whatever SR the host has room on.
    """

    enabled: bool = False
    networks: Mapping[Title, Title] = {}
    srs: Mapping[Title, Title] = {}

    @model_validator(mode="after")
    def _maps_are_of_use(self) -> OtherPoolsPolicy:
        if (self.networks or self.srs) and not self.enabled:
            raise ValueError("networks and srs are of no use without enabled = true")
        return self

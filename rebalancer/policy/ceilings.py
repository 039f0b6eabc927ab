"""The sections of a policy that say how much any host holds at most, whoever runs on it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from rebalancer.policy.objective import LoadShare
from rebalancer.policy.sections import MUCH, Section

PER_HOST = ("host_load", "vms_per_host", "vcpus_per_pcpu")
"""The keys of these limits; plans write them down where they are given."""


class HostLoadPolicy(Section):
    """How much of its capacity each host uses at most, in every slot, by resource."""

    cpu: LoadShare | None = None

    @model_validator(mode="after")
    def _names_a_resource(self) -> HostLoadPolicy:
        if not any(value is not None for _, value in self):
            raise ValueError(f"it names no resource: {', '.join(type(self).model_fields)}")
        return self


class VMsPerHostPolicy(Section):
    """How many VMs run on one host at most; where not `hard`, that is a wish."""

    at_most: Annotated[int, Field(ge=1, le=MUCH)]
    hard: bool = True


class VCPUsPerPCPUPolicy(Section):
    """How many vCPUs the VMs of a host have at most for each of its pCPUs; where not `hard`, that is a wish."""

    at_most: Annotated[float, Field(gt=0, le=MUCH)]
    hard: bool = True

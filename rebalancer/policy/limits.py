"""The limits of a plan: how much it may move, how much any host holds at most, who rests, how long solving may take."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field, model_validator

from rebalancer.policy.objective import LoadShare
from rebalancer.policy.presets import DEFAULTS
from rebalancer.policy.sections import MUCH, CountedSection, Section, Share
from rebalancer.units import moment_in_words

MOST_AT_ONCE = 64
"""Migrations that may run at once in a pool, at most: XAPI refuses calls where more than a hundred wait."""
PER_HOST = ("host_load", "vms_per_host", "vcpus_per_pcpu")
"""The keys of these limits; plans write them down where they are given."""


class HostLoadPolicy(CountedSection):
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


class VCPUsPerPCPUPolicy(CountedSection):
    """How many vCPUs the VMs of a host have at most for each of its pCPUs; where not `hard`, that is a wish."""

    at_most: Annotated[float, Field(gt=0, le=MUCH)]
    hard: bool = True


class LimitsPolicy(Section):
    """How much one plan may do, how many migrations may run at once, and how long solving may take.

    A VM whose move failed is left alone for as many nights as `leave_alone_nights` says of its first, second, …
    failure in a row.

    A plan to balance that moves more than `sanity_share` of the VMs is refused: behind it stands a wrong number.

    `concurrent` counts those of the pool, `out_per_host` those that leave one host, `in_per_host` those that come to
    one, `per_link` those whose memory travels over one network. `PER_HOST` are about every host.
    """

    maximum_moves: Annotated[int, Field(ge=0, le=MUCH)] | None = None
    maximum_gib: Annotated[float, Field(ge=0, le=MUCH)] | None = None
    sanity_share: Share = 0.5
    concurrent: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)] = 2
    in_per_host: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)] = 1
    out_per_host: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)] = 1
    per_link: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)] | None = None
    minimum_gain_pcpu_hours: Annotated[float, Field(ge=0, le=MUCH)] = DEFAULTS.minimum_gain_pcpu_hours
    cool_down_hours: Annotated[float, Field(ge=0, le=MUCH)] = DEFAULTS.cool_down_hours
    leave_alone_nights: tuple[Annotated[float, Field(ge=0, le=MUCH)], ...] = (1.0, 2.0, 4.0, 8.0)
    solve_seconds: Annotated[float, Field(gt=0)] = 30.0
    gap: Annotated[float, Field(ge=0, le=1)] = 0.0
    gap_pcpu_hours: Annotated[float, Field(ge=0)] = 0.001
    seed: Annotated[int, Field(ge=0)] = 1
    host_load: HostLoadPolicy | None = None
    vms_per_host: VMsPerHostPolicy | None = None
    vcpus_per_pcpu: VCPUsPerPCPUPolicy | None = None


class CoolingPolicy(Section):
    """A VM, by uuid, that rests until `until`: it moved at `moved_at`, or a move failed at `failed_at`, as told.

    `limits.cool_down_hours` and `limits.leave_alone_nights` write them. One that `stays` does not move at all: planning
    says so where nothing hard is mended by moving it. One that does not counts as a last resort.
    """

    vm: Annotated[str, Field(min_length=1)]
    moved_at: AwareDatetime | None = None
    failed_at: AwareDatetime | None = None
    failed_with: str = ""
    until: AwareDatetime
    stays: bool = False

    @model_validator(mode="after")
    def _one_reason(self) -> CoolingPolicy:
        if (self.moved_at is None) == (self.failed_at is None):
            raise ValueError("either moved_at or failed_at says why it rests")
        return self

    def words(self, timezone: str) -> str:
        """Why the VM rests, with times by the clocks of *timezone*."""
        until = moment_in_words(self.until, timezone)
        if self.moved_at is None:
            failed = f"its move failed at {moment_in_words(self.failed_at or self.until, timezone)}"
            return f"{failed} with {self.failed_with}, and it is left alone until {until}"
        return f"it moved at {moment_in_words(self.moved_at, timezone)} and cools down until {until}"

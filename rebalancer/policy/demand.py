"""How the policy wants metrics to be read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from rebalancer.policy.section import Section, Share, Zone

DAYS_OF_WEEK = 7
SLOTS_OF_WEEK = 168


class DemandPolicy(Section):
    """How metrics become a load profile.

    With `robust`, `budget` VMs of each host count with their `peak_percentile` in each slot: those for which that adds
    most.
    """

    slots: Literal[24, 168] = 24
    percentile: Annotated[float, Field(ge=0, le=100)] = 95.0
    window_days: Annotated[int, Field(ge=1, le=365)] = 7
    minimum_coverage: Share = 0.8
    timezone: Zone = "UTC"
    robust: bool = False
    budget: Annotated[int, Field(ge=0)] = 3
    peak_percentile: Annotated[float, Field(ge=0, le=100)] = 100.0

    @property
    def peaking(self) -> int:
        """How many VMs of a host peak together; 0 where none has to be protected against."""
        return self.budget if self.robust else 0

    @model_validator(mode="after")
    def _peaks_are_above(self) -> DemandPolicy:
        if self.peaking and self.peak_percentile < self.percentile:
            raise ValueError(f"peak_percentile has to be at least percentile, which is {self.percentile:g}")
        return self

    @model_validator(mode="after")
    def _week_fills_the_slots(self) -> DemandPolicy:
        if self.slots == SLOTS_OF_WEEK and self.window_days < DAYS_OF_WEEK:
            raise ValueError(f"{SLOTS_OF_WEEK} slots need window_days of at least {DAYS_OF_WEEK}")
        return self

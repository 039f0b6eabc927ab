"""What a good placement is: where load begins to cost, how much, and what moves cost against it."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from rebalancer.policy.presets import DEFAULTS, Levels
from rebalancer.policy.sections import MUCH, CountedSection, Share

LoadShare = Annotated[float, Field(gt=0, le=10)]
"""A share of capacity that load may exceed; ten times as much is taken for a percentage."""
Weight = Annotated[float, Field(gt=1, le=MUCH)]


def _rising(levels: Levels) -> Levels:
    for lower, upper in pairwise(levels):
        if not (lower[0] < upper[0] and lower[1] < upper[1]):
            raise ValueError(f"[{upper[0]:g}, {upper[1]:g}] follows [{lower[0]:g}, {lower[1]:g}]: both have to rise")
    return levels


class Priority(StrEnum):
    """What comes first where load and what moves cost are in conflict."""

    MODE = "mode"
    GIB = "gib"
    LOAD = "load"
    SUM = "sum"


class ResourcePolicy(CountedSection):
    """What load on a resource beside CPU costs: `weight` is what a unit above the threshold costs in an hour.

    It costs once the weight above `threshold` times capacity, and from each share of `levels` on as often as stands
    beside it; in weighted pCPU-hours, so that the weight says how many pCPUs a unit is worth.
    """

    weight: Annotated[float, Field(ge=0, le=MUCH)] = 0.0
    threshold: Share = 0.75
    levels: Annotated[tuple[tuple[LoadShare, Weight], ...], AfterValidator(_rising)] = DEFAULTS.levels


class DiskPolicy(ResourcePolicy):
    """The same of disk throughput: nobody says what a host can read and write in a second, so the policy does."""

    mb_per_second: Annotated[float, Field(gt=0, le=MUCH)] | None = None

    @model_validator(mode="after")
    def _capacity_is_said(self) -> DiskPolicy:
        if self.weight and self.mb_per_second is None:
            raise ValueError("with a weight it needs mb_per_second: what a host can read and write")
        return self


class ObjectivePolicy(CountedSection):
    """What a good placement is.

    Overload is in pCPU-hours above `threshold` times capacity, a day or week of slots summed. Each costs 1, and from
    each share of `levels` on what stands beside it; those up to `threshold` do not count. A GiB copied costs
    `pcpu_hours_per_gib`, a VM that moves `pcpu_hours_per_move`, one of `last_resort` on top
    `pcpu_hours_per_last_resort`; while hosts are evacuated, a GiB costs `evacuation_pcpu_hours_per_gib` where that is
    given. `priority` says whether GiB or load come first, or their sum.

    Above 0, `level` GiB may be copied for each pCPU-hour less of spread, and `lower_peak` for each point less of the
    peak. `memory`, `network` and `disk` set resources beside CPU. `clean_up` names what is improved afterwards, at no
    cost to the former.
    """

    threshold: Share = DEFAULTS.threshold
    levels: Annotated[tuple[tuple[LoadShare, Weight], ...], AfterValidator(_rising)] = DEFAULTS.levels
    pcpu_hours_per_gib: Annotated[float, Field(ge=0, le=MUCH)] = DEFAULTS.pcpu_hours_per_gib
    pcpu_hours_per_move: Annotated[float, Field(ge=0, le=MUCH)] = DEFAULTS.pcpu_hours_per_move
    pcpu_hours_per_last_resort: Annotated[float, Field(ge=0, le=MUCH)] = 1.0
    evacuation_pcpu_hours_per_gib: Annotated[float, Field(ge=0, le=MUCH)] | None = None
    priority: Priority = Priority.MODE
    level: Annotated[float, Field(ge=0, le=MUCH)] = 0.0
    lower_peak: Annotated[float, Field(ge=0, le=MUCH)] = 0.0
    memory: ResourcePolicy = ResourcePolicy()
    network: ResourcePolicy = ResourcePolicy()
    disk: DiskPolicy = DiskPolicy()
    clean_up: tuple[Literal["peak", "spread"], ...] = ()

    @model_validator(mode="after")
    def _gib_have_a_price(self) -> ObjectivePolicy:
        if (self.level or self.lower_peak) and not self.pcpu_hours_per_gib:
            raise ValueError("level and lower_peak weigh moves by their prices: pcpu_hours_per_gib has to be above 0")
        return self

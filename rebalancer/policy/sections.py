"""The sections of a policy file that have rules of their own, and what all sections have in common."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from rebalancer.policy.mistakes import refused
from rebalancer.units import is_time_zone


def _zone(name: str) -> str:
    if not is_time_zone(name):
        raise ValueError(f"{name!r} is not an IANA time zone such as 'UTC' or 'Europe/Berlin'")
    return name


DAYS_OF_WEEK = 7
SLOTS_OF_WEEK = 168
MUCH = 1_000_000
"""More moves, GiB, hours, pCPUs or pCPU-hours than any pool has; solver and calendar hold this much."""
LITTLE = 0.000001
"""Less than this is nothing to a pool; solvers count in whole numbers, which do not hold it beside MUCH."""
Title = Annotated[str, Field(min_length=1)]
Names = tuple[Title, ...]
"""VMs, hosts or SRs: each a uuid, a name, or `tag:NAME` for all that carry the tag."""
Share = Annotated[float, Field(gt=0, le=1)]
Zone = Annotated[str, AfterValidator(_zone)]


class Section(BaseModel):
    """A part of the policy: frozen, and an unknown key, an infinite number or a NaN is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, /, **values: object) -> None:
        """Validate *values*, as those of a file are.

        Raises:
            PolicyError: a key is unknown or missing, or its value out of range.
        """
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise refused(error, values, type(self), type(self).__name__) from None

    # Pydantic validates sections within sections by itself, not by this method.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @property
    def told(self) -> set[str]:
        """The keys that were given, and those that follow from them."""
        return self.model_fields_set

    def spelled_out(self) -> Self:
        """The section with every key that has a default given."""
        return self.model_validate(self.model_dump())

    def given(self) -> dict[str, Any]:
        """The keys that were given, as JSON has them; of what was spelled out, all that there were then."""
        return self.model_dump(mode="json", exclude_unset=True)


class CountedSection(Section):
    """A section whose numbers solvers count in: next to nothing is an error."""

    @field_validator("*")
    @classmethod
    def _not_next_to_nothing(cls, value: object) -> object:
        if isinstance(value, float) and 0 < value < LITTLE:
            raise ValueError(f"{value} is next to nothing, and {LITTLE:f} the least above 0")
        return value


class DemandForm(StrEnum):
    """What a slot of a load profile is: a percentile of some hours, or an hour of a day as it was recorded."""

    PERCENTILE = "percentile"
    DAYS = "days"


PERCENTILE_KEYS = ("slots", "percentile", "robust")
DAYS_KEYS = ("half_life_days", "same_weekday")


class DemandPolicy(CountedSection):
    """How metrics become a load profile.

    In the form `percentile`, each of `slots` is the `percentile` of the hours that fall into it. With `robust`,
    `budget` VMs of each host count with their `peak_percentile` in each slot: those for which that adds most. In the
    form `days`, each hour of `window_days` days is a slot of its own, and what counts is the mean of the days: a day
    that is `half_life_days` older counts half, and with `same_weekday` only those count that begin whole weeks ago.

    Where `refuse_from_share` of the live hosts send no metrics that can be used, there is no profile. With
    `waiting`, pCPUs that VMs waited for count where they are recorded. `resources` are read beside CPU.
    """

    form: DemandForm = DemandForm.DAYS
    slots: Literal[24, 168] = 24
    percentile: Annotated[float, Field(ge=0, le=100)] = 95.0
    window_days: Annotated[int, Field(ge=1, le=365)] = 7
    half_life_days: Annotated[float, Field(gt=0, le=MUCH)] | None = None
    same_weekday: bool = False
    minimum_coverage: Share = 0.8
    refuse_from_share: Share = 0.25
    timezone: Zone = "UTC"
    robust: bool = False
    budget: Annotated[int, Field(ge=0)] = 3
    peak_percentile: Annotated[float, Field(ge=0, le=100)] = 100.0
    waiting: bool = True
    resources: tuple[Literal["network", "disk"], ...] = ()
    clock_limit_minutes: Annotated[int, Field(ge=1, le=MUCH)] = 24 * 60

    @property
    def peaking(self) -> int:
        """How many VMs of a host peak together; 0 where none has to be protected against."""
        return self.budget if self.robust else 0

    @property
    def form_meant(self) -> DemandForm | None:
        """The form that is given, or that other keys are given of, percentiles first; None where none is."""
        given = self.model_fields_set
        if "form" in given:
            return self.form
        if given.intersection(PERCENTILE_KEYS):
            return DemandForm.PERCENTILE
        return DemandForm.DAYS if given.intersection(DAYS_KEYS) else None

    @property
    def told(self) -> set[str]:
        """The keys that were given, and the form where they mean one."""
        return self.model_fields_set if self.form_meant is None else self.model_fields_set | {"form"}

    @property
    def in_days(self) -> bool:
        """Whether slots are hours of recorded days."""
        return self.form is DemandForm.DAYS

    @model_validator(mode="after")
    def _the_form_whose_keys_are_named(self) -> DemandPolicy:
        """A file that says how percentiles are taken, or how days count, and not which form, means that form."""
        if self.form_meant is not None:
            self.__dict__["form"] = self.form_meant
        return self

    @model_validator(mode="after")
    def _keys_are_of_use(self) -> DemandPolicy:
        idle = PERCENTILE_KEYS if self.in_days else DAYS_KEYS
        for key in idle:
            if getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f'{key} is of no use with form = "{self.form}"')
        return self

    @model_validator(mode="after")
    def _weeks_repeat(self) -> DemandPolicy:
        if self.same_weekday and self.window_days < 2 * DAYS_OF_WEEK:
            raise ValueError(f"same_weekday needs window_days of at least {2 * DAYS_OF_WEEK}")
        return self

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


class GroupPolicy(Section):
    """VMs that one wish is about; `hard` wishes forbid, others count among what is to be repaired."""

    name: Title
    vms: Annotated[Names, Field(min_length=1)]
    hard: bool = True


class TogetherPolicy(GroupPolicy):
    """VMs that share one host."""


class ApartPolicy(GroupPolicy):
    """VMs of which at most `at_most` share a host."""

    at_most: Annotated[int, Field(ge=1)] = 1


class SpreadPolicy(GroupPolicy):
    """VMs of which at most `at_most` are in one failure domain, by default as few as an even spread allows.

    A host tagged `rack:A` is in domain A where `domain` is `rack`.
    """

    domain: Annotated[str, Field(pattern=r"^[^:\s][^:]*$")]
    at_most: Annotated[int, Field(ge=1)] | None = None


class RunOnPolicy(GroupPolicy):
    """VMs that run on some hosts only."""

    hosts: Annotated[Names, Field(min_length=1)]


class Covered(StrEnum):
    """Which VMs are to be restarted when hosts fail."""

    PROTECTED = "protected"
    ALL = "all"


class SparePolicy(Section):
    """How many hosts may fail, and which VMs then restart on the others; 0 asks for nothing.

    Protected are those whose `ha_restart_priority` is `restart`.
    """

    hosts: Annotated[int, Field(ge=0)] = 0
    vms: Covered = Covered.PROTECTED


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


class Squeezing(StrEnum):
    """Whether a VM may be moved that a migration squeezes: as any other, where nothing else helps, or not at all."""

    ALLOW = "allow"
    LAST_RESORT = "last-resort"
    FORBID = "forbid"


class SqueezePolicy(Section):
    """What becomes of VMs with a dynamic range, which a migration squeezes to their dynamic minimum while it runs.

    `below_use` is for those that are left less than `keep_share` of what they use, `above_use` for those that are left
    as much, `unknown_use` for those whose guests do not tell what they use.
    """

    below_use: Squeezing = Squeezing.FORBID
    unknown_use: Squeezing = Squeezing.LAST_RESORT
    above_use: Squeezing = Squeezing.ALLOW
    keep_share: Annotated[float, Field(gt=0, le=100)] = 1.0

    @model_validator(mode="after")
    def _share_is_of_use(self) -> SqueezePolicy:
        if self.keep_share != 1.0 and self.below_use is self.above_use:
            raise ValueError("keep_share is of no use where below_use and above_use are the same")
        return self


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

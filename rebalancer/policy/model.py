"""The policy file, as pydantic checks it. Every key has a default; policy.toml beside this shows all."""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from rebalancer.policy.execution import ExecutionPolicy, SleepPolicy
from rebalancer.policy.history import HistoryPolicy
from rebalancer.policy.hours import WindowPolicy
from rebalancer.policy.intent import SECTIONS
from rebalancer.policy.limits import PER_HOST, CoolingPolicy, LimitsPolicy
from rebalancer.policy.notify import NotifyPolicy
from rebalancer.policy.objective import ObjectivePolicy
from rebalancer.policy.pool import PoolPolicy
from rebalancer.policy.presets import PRESETS
from rebalancer.policy.rolling import RollingPolicy
from rebalancer.policy.sections import (
    MUCH,
    ApartPolicy,
    CountedSection,
    DemandPolicy,
    Names,
    OtherPoolsPolicy,
    RunOnPolicy,
    Section,
    SparePolicy,
    SpreadPolicy,
    SqueezePolicy,
    StorageMotionPolicy,
    Title,
    TogetherPolicy,
    Zone,
)
from rebalancer.policy.toml import from_toml


class Mode(StrEnum):
    """What a plan is for."""

    BALANCE = "balance"
    REPAIR = "repair"
    EVACUATE = "evacuate"
    CONSOLIDATE = "consolidate"

    @property
    def needs_demand(self) -> bool:
        """Whether nothing can be planned without metrics."""
        return self in {Mode.BALANCE, Mode.CONSOLIDATE}


class RuleSet(StrEnum):
    """Which rules bind: the manual's and XAPI's, or only what XAPI itself enforces."""

    DOCUMENTED = "documented"
    ENFORCED = "enforced"


class CapacityPolicy(CountedSection):
    """How much of a host counts: `cpu_factor` pCPUs for each logical CPU, and what is kept free on every host.

    With `reference_mhz`, pCPUs of hosts and the demand of VMs are counted in pCPUs of that speed.
    """

    cpu_factor: Annotated[float, Field(gt=0, le=100)] = 1.0
    reference_mhz: Annotated[float, Field(ge=100, le=100_000)] | None = None
    memory_reserve_mib: Annotated[int, Field(ge=0, le=MUCH * 1024)] = 72
    pcpu_reserve: Annotated[float, Field(ge=0, le=MUCH)] = 0.0


class RulesPolicy(Section):
    """Which rules bind, and which documented ones do not."""

    set: RuleSet = RuleSet.DOCUMENTED
    relax: Names = ()


class ReservePolicy(Section):
    """What is kept free on some hosts, on top of `capacity`."""

    hosts: Annotated[Names, Field(min_length=1)]
    memory_mib: Annotated[int, Field(ge=0, le=MUCH * 1024)] = 0
    pcpus: Annotated[float, Field(ge=0, le=MUCH)] = 0.0


class Strength(StrEnum):
    """How much wishes count that XAPI itself takes as a preference."""

    HARD = "hard"
    SOFT = "soft"
    IGNORE = "ignore"


class IntentPolicy(Section):
    """Whether the wishes that stand in the pool itself count: tags of VMs, VM groups, and the host to start on.

    `tag_groups` is how much the groups count that tags make; tags of single VMs count where `read_tags` does.
    """

    read_tags: bool = True
    tag_groups: Strength = Strength.HARD
    vm_groups: Strength = Strength.SOFT
    read_affinity: bool = False


class PlanPolicy(Section):
    """How long a plan may be applied after it was made, and what it may do beyond balancing.

    `during_upgrade` says that it may be applied while the pool is being upgraded, `maintenance` that it may move VMs
    that are left alone otherwise: it empties hosts, or brings VMs back.
    """

    expires_hours: Annotated[float, Field(gt=0, le=MUCH)] = 24.0
    during_upgrade: bool = False
    maintenance: bool = False


class Policy(Section):
    """All that the operator wants; keys that `preset` gives and that are not given themselves are taken from it.

    Windows, blackouts and demand are in `timezone` unless they name another, and all is told in it. A file that names
    one for demand and none here means it for all.
    """

    format: Literal["rebalancer-policy/1"] = "rebalancer-policy/1"
    name: Title = "default"
    preset: Literal["conservative", "balanced", "aggressive"] | None = None
    mode: Mode = Mode.BALANCE
    timezone: Zone = "UTC"
    pool: PoolPolicy = PoolPolicy()
    demand: DemandPolicy = DemandPolicy()
    objective: ObjectivePolicy = ObjectivePolicy()
    limits: LimitsPolicy = LimitsPolicy()
    capacity: CapacityPolicy = CapacityPolicy()
    rules: RulesPolicy = RulesPolicy()
    intent: IntentPolicy = IntentPolicy()
    storage_motion: StorageMotionPolicy = StorageMotionPolicy()
    other_pools: OtherPoolsPolicy = OtherPoolsPolicy()
    spare: SparePolicy = SparePolicy()
    squeeze: SqueezePolicy = SqueezePolicy()
    plan: PlanPolicy = PlanPolicy()
    execution: ExecutionPolicy = ExecutionPolicy()
    rolling: RollingPolicy = RollingPolicy()
    sleep: SleepPolicy = SleepPolicy()
    history: HistoryPolicy = HistoryPolicy()
    notify: NotifyPolicy = NotifyPolicy()
    together: tuple[TogetherPolicy, ...] = ()
    apart: tuple[ApartPolicy, ...] = ()
    spread: tuple[SpreadPolicy, ...] = ()
    run_on: tuple[RunOnPolicy, ...] = ()
    reserve: tuple[ReservePolicy, ...] = ()
    never_move: Names = ()
    leave_alone: Names = ()
    last_resort: Names = ()
    empty: Names = ()
    window: tuple[WindowPolicy, ...] = ()
    blackout: tuple[WindowPolicy, ...] = ()
    cooling: tuple[CoolingPolicy, ...] = ()

    @classmethod
    def load(cls, path: Path | str) -> Policy:
        """The policy in the TOML file *path*.

        Example:
            >>> import pathlib, rebalancer as rb
            >>> _ = pathlib.Path("nightly.toml").write_text('mode = "repair"')
            >>> wanted = rb.Policy.load("nightly.toml")
            >>> wanted.mode.value, wanted.limits == rb.Policy().limits
            ('repair', True)

        Raises:
            PolicyError: the file cannot be read, is no TOML, or has a key that is unknown or out of range.
        """
        return from_toml(path, cls)

    @property
    def maintains(self) -> bool:
        """Whether VMs that are left alone otherwise may move: hosts are emptied, or VMs brought back."""
        return self.mode is Mode.EVACUATE or self.plan.maintenance

    @model_validator(mode="after")
    def _share_the_time_zone(self) -> Policy:
        """Fill in place what is not given, and leave it ungiven: a file says no more than it said."""
        told, demand = self.model_fields_set, self.demand
        if "timezone" not in told:
            self.__dict__["timezone"] = demand.timezone
        elif "timezone" not in demand.model_fields_set:
            shared = demand.model_copy()
            shared.__dict__["timezone"] = self.timezone
            self.__dict__["demand"] = shared
        return self

    @model_validator(mode="after")
    def _hosts_are_rebooted_one_way(self) -> Policy:
        if self.rolling.command and "reboot" in self.execution.power:
            raise ValueError('rolling.command reboots hosts, and so does "reboot" in execution.power: keep one of them')
        return self

    @model_validator(mode="after")
    def _stages_last(self) -> Policy:
        hours = self.rolling.within_hours
        if hours is not None and hours > self.plan.expires_hours:
            raise ValueError(
                f"rolling.within_hours = {hours:g} is longer than the plans of its stages last: raise "
                f"plan.expires_hours, which is {self.plan.expires_hours:g}"
            )
        return self

    @model_validator(mode="after")
    def _resources_are_read(self) -> Policy:
        for name in ("network", "disk"):
            if getattr(self.objective, name).weight and name not in self.demand.resources:
                raise ValueError(f'objective.{name}.weight needs "{name}" in demand.resources, so that it is read')
        return self

    def given(self) -> dict[str, Any]:
        """The keys that were given; optional sections, `cooling` and `PER_HOST` only where they say something."""
        written = super().given()
        for key in PER_HOST:
            if getattr(self.limits, key) is None:
                written.get("limits", {}).pop(key, None)
        optional: dict[str, Section] = {"other_pools": OtherPoolsPolicy()}
        optional |= {"rolling": RollingPolicy(), "sleep": SleepPolicy()}
        optional |= {"history": HistoryPolicy(), "notify": NotifyPolicy()}
        for key in [name for name, silent in optional.items() if getattr(self, name) == silent]:
            written.pop(key, None)
        if not self.cooling:
            written.pop("cooling", None)
        return written

    @model_validator(mode="after")
    def _take_from_the_preset(self) -> Policy:
        """Fill sections in place, as given: a plan that carries the policy keeps the values that it was made with."""
        given = PRESETS[self.preset].values if self.preset else {}
        for name, values in given.items():
            section: Section = getattr(self, name)
            missing = {key: value for key, value in values.items() if key not in section.told}
            object.__setattr__(self, name, section.model_copy(update=missing))
            self.model_fields_set.add(name)
        return self

    def without_address(self) -> Policy:
        """The wishes alone, without the pool's address, who reboots, what is kept, who is told: what plans cover."""
        own = {"pool": PoolPolicy(), "rolling": RollingPolicy(), "history": HistoryPolicy(), "notify": NotifyPolicy()}
        return self.model_copy(update=own)

    def anchored(self, folder: Path) -> Policy:
        """The same with `history.credentials_file`, which is relative to *folder*, as it is found from anywhere."""
        named = self.history.credentials_file
        if named is None:
            return self
        own = {"credentials_file": str((folder / named).absolute())}
        return self.model_copy(update={"history": self.history.model_copy(update=own)})

    @model_validator(mode="after")
    def _disks_go_along(self) -> Policy:
        if self.other_pools.enabled and not self.storage_motion.enabled:
            raise ValueError("other_pools.enabled is of no use without storage_motion.enabled = true")
        return self

    @model_validator(mode="after")
    def _no_peak_is_above(self) -> Policy:
        if self.limits.host_load is not None and self.demand.peaking:
            raise ValueError("limits.host_load looks at no peaks: it cannot be kept with demand.robust = true")
        return self

    @model_validator(mode="after")
    def _names_are_unique(self) -> Policy:
        for section in SECTIONS:
            names = [group.name for group in getattr(self, section)]
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(f"two groups of {section} are named {name!r}")
        return self


def policy_digest(policy: Policy) -> str:
    """SHA-256 of the values that *policy* gives, in hexadecimal.

    Of policies that are spelled out it is equal exactly when they want the same, and it stays what it was when a later
    version knows more keys.

    Example:
        >>> import rebalancer as rb
        >>> calm, again, eager = (rb.Policy(preset=name) for name in ("conservative", "conservative", "aggressive"))
        >>> [rb.policy.policy_digest(calm) == rb.policy.policy_digest(each) for each in (again, eager)]
        [True, False]
    """
    values = json.dumps(policy.given(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(values.encode()).hexdigest()

"""What the operator wants: objectives, limits, groups and windows; and the same in the uuids of one pool."""

from rebalancer.policy.fleet import Fleet, FleetPolicy, fleet_of, is_fleet
from rebalancer.policy.history import HistoryPolicy
from rebalancer.policy.hours import Day, WindowPolicy
from rebalancer.policy.intent import Apart, Intent, Reserve, RunOn, SpreadOver, Together, intent_digest, named
from rebalancer.policy.limits import CoolingPolicy, LimitsPolicy
from rebalancer.policy.lint import PolicyFinding, check_alone, check_policy
from rebalancer.policy.model import (
    CapacityPolicy,
    IntentPolicy,
    Mode,
    PlanPolicy,
    Policy,
    RuleSet,
    RulesPolicy,
    Strength,
    policy_digest,
)
from rebalancer.policy.notify import NotifyPolicy, ToldOf
from rebalancer.policy.objective import DiskPolicy, ObjectivePolicy, Priority, ResourcePolicy
from rebalancer.policy.pool import PoolPolicy
from rebalancer.policy.presets import PRESETS, Preset, PresetKey, keys_of
from rebalancer.policy.resolve import intent_of
from rebalancer.policy.sections import Covered, DemandPolicy, SparePolicy, SqueezePolicy, Squeezing
from rebalancer.policy.windows import ANY_TIME, ChangeWindows, change_windows

__all__ = [
    "ANY_TIME",
    "PRESETS",
    "Apart",
    "CapacityPolicy",
    "ChangeWindows",
    "CoolingPolicy",
    "Covered",
    "Day",
    "DemandPolicy",
    "DiskPolicy",
    "Fleet",
    "FleetPolicy",
    "HistoryPolicy",
    "Intent",
    "IntentPolicy",
    "LimitsPolicy",
    "Mode",
    "NotifyPolicy",
    "ObjectivePolicy",
    "PlanPolicy",
    "Policy",
    "PolicyFinding",
    "PoolPolicy",
    "Preset",
    "PresetKey",
    "Priority",
    "Reserve",
    "ResourcePolicy",
    "RuleSet",
    "RulesPolicy",
    "RunOn",
    "SparePolicy",
    "SpreadOver",
    "SqueezePolicy",
    "Squeezing",
    "Strength",
    "Together",
    "ToldOf",
    "WindowPolicy",
    "change_windows",
    "check_alone",
    "check_policy",
    "fleet_of",
    "intent_digest",
    "intent_of",
    "is_fleet",
    "keys_of",
    "named",
    "policy_digest",
]

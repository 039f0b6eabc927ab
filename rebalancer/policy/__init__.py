"""What the operator wants: objectives, limits, groups and windows; and the same in the uuids of one pool."""

from rebalancer.policy.intent import Apart, Intent, Reserve, RunOn, Together
from rebalancer.policy.model import (
    CapacityPolicy,
    DemandPolicy,
    IntentPolicy,
    LimitsPolicy,
    Mode,
    ObjectivePolicy,
    PlanPolicy,
    Policy,
    RuleSet,
    RulesPolicy,
)

__all__ = [
    "Apart",
    "CapacityPolicy",
    "DemandPolicy",
    "Intent",
    "IntentPolicy",
    "LimitsPolicy",
    "Mode",
    "ObjectivePolicy",
    "PlanPolicy",
    "Policy",
    "Reserve",
    "RuleSet",
    "RulesPolicy",
    "RunOn",
    "Together",
]

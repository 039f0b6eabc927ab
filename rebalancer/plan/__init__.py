"""Plans as values: steps, times, figures, reasons, and the document that seals them."""

from rebalancer.plan.cut import cut_by_limits
from rebalancer.plan.document import digest_of, plan_document, sealed
from rebalancer.plan.duration import Pace
from rebalancer.plan.finding import Finding, FindingKind
from rebalancer.plan.ha import HAMargin
from rebalancer.plan.load import Curve, Load, RefusedMetrics
from rebalancer.plan.made_from import MadeFrom, Metrics, PoolBeside
from rebalancer.plan.plan import (
    FORMAT,
    HeldAsItIs,
    HostRow,
    HostState,
    LeftAlone,
    Missing,
    OldViolation,
    Plan,
    Schedule,
    SRRow,
)
from rebalancer.plan.step import (
    Crossing,
    EjectedCD,
    HostMemory,
    RefusedHosts,
    Step,
    StepDisk,
    StepKind,
    StepNetwork,
    StepSqueeze,
)
from rebalancer.plan.timely import untimely
from rebalancer.tier import TierResult

__all__ = [
    "FORMAT",
    "Crossing",
    "Curve",
    "EjectedCD",
    "Finding",
    "FindingKind",
    "HAMargin",
    "HeldAsItIs",
    "HostMemory",
    "HostRow",
    "HostState",
    "LeftAlone",
    "Load",
    "MadeFrom",
    "Metrics",
    "Missing",
    "OldViolation",
    "Pace",
    "Plan",
    "PoolBeside",
    "RefusedHosts",
    "RefusedMetrics",
    "SRRow",
    "Schedule",
    "Step",
    "StepDisk",
    "StepKind",
    "StepNetwork",
    "StepSqueeze",
    "TierResult",
    "cut_by_limits",
    "digest_of",
    "plan_document",
    "sealed",
    "untimely",
]

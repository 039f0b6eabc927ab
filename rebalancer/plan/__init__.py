"""Plans: from a placement to ordered steps, proof that every state is legal, the way back, and what has drifted.

`rebalance` is loaded when it is asked for: it brings the solver along, which showing and verifying a plan do without.
"""

from typing import TYPE_CHECKING, Any

from rebalancer.plan.diff import Difference, plan_differences, pool_differences
from rebalancer.plan.document import digest_of, plan_document, sealed
from rebalancer.plan.drift import differences
from rebalancer.plan.duration import Pace
from rebalancer.plan.finding import Finding
from rebalancer.plan.halfway import is_done
from rebalancer.plan.partial import without_steps
from rebalancer.plan.plan import (
    FORMAT,
    Curve,
    HostRow,
    HostState,
    LeftAlone,
    Load,
    MadeFrom,
    Metrics,
    Missing,
    OldViolation,
    Plan,
    PoolBeside,
    Schedule,
    SRRow,
    Tier,
)
from rebalancer.plan.step import Crossing, HostMemory, Step, StepDisk, StepKind, StepNetwork
from rebalancer.plan.undo import closure, undo
from rebalancer.plan.verify import untimely, verify_plan

if TYPE_CHECKING:
    from rebalancer.plan.whole import rebalance

__all__ = [
    "FORMAT",
    "Crossing",
    "Curve",
    "Difference",
    "Finding",
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
    "SRRow",
    "Schedule",
    "Step",
    "StepDisk",
    "StepKind",
    "StepNetwork",
    "Tier",
    "closure",
    "differences",
    "digest_of",
    "is_done",
    "plan_differences",
    "plan_document",
    "pool_differences",
    "rebalance",
    "sealed",
    "undo",
    "untimely",
    "verify_plan",
    "without_steps",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """`rebalance`, on first use."""
    if name == "rebalance":
        from rebalancer.plan.whole import rebalance  # noqa: PLC0415 - the solver is loaded only where it is needed

        return rebalance
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

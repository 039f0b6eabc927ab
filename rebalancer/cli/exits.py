"""Exit codes, and which error ends with which."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from rebalancer.errors import (
    ApprovalRefused,
    EditedPlan,
    IllegalPlan,
    Infeasible,
    MetricsRefused,
    NoLegalOrder,
    RebalancerError,
    StalePlan,
    StoppedHalfWay,
    SuspiciousPlan,
)

if TYPE_CHECKING:
    from rebalancer.plan import Plan


class Exit(IntEnum):
    """What the exit code says to cron."""

    DONE = 0
    ERROR = 1
    HAS_STEPS = 2
    INFEASIBLE = 3
    STALE = 4
    STOPPED = 5
    METRICS_REFUSED = 6
    INCOMPLETE = 7
    NOT_APPROVED = 8
    LATER = 9


_CODE_OF: dict[type[RebalancerError], Exit] = {
    Infeasible: Exit.INFEASIBLE,
    NoLegalOrder: Exit.INFEASIBLE,
    SuspiciousPlan: Exit.INFEASIBLE,
    ApprovalRefused: Exit.NOT_APPROVED,
    StalePlan: Exit.STALE,
    IllegalPlan: Exit.STALE,
    EditedPlan: Exit.STALE,
    StoppedHalfWay: Exit.STOPPED,
    MetricsRefused: Exit.METRICS_REFUSED,
}


def exit_of(plan: Plan, *, left: int) -> Exit:
    """What `--detailed-exitcode` says of *plan*, of whose steps *left* are to be done."""
    from rebalancer.plan.cut import cut_by_limits  # noqa: PLC0415 - help is quicker without plans

    if plan.missing or cut_by_limits(plan):
        return Exit.INCOMPLETE
    return Exit.HAS_STEPS if left else Exit.DONE


def exit_code(error: RebalancerError) -> Exit:
    """The exit code that *error* ends with; `ERROR` for every kind that has none of its own."""
    return next((code for kind, code in _CODE_OF.items() if isinstance(error, kind)), Exit.ERROR)

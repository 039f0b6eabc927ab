"""How long steps take that are launched as soon as they may be: written for checking, apart from what plans them."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.plan.step import Step
from rebalancer.policy import LimitsPolicy


def launched(steps: Sequence[Step], tenths: Sequence[int], limits: LimitsPolicy) -> int:
    """Tenths of seconds until the last of *steps* is done, if they took *tenths*."""
    starts = launch_times(steps, tenths, limits)
    return max((starts[position] + tenths[position] for position in starts), default=0)


def launch_times(steps: Sequence[Step], tenths: Sequence[int], limits: LimitsPolicy) -> dict[int, int]:
    """When each of *steps* begins, by position, if they took *tenths*; those that never may begin are missing.

    Whenever one has ended, those that stand first begin first: what they wait for is done, no limit is reached, and no
    Storage XenMotion runs.
    """
    waiting, ends, done = dict(enumerate(steps)), dict[int, int](), set[str]()
    starts: dict[int, int] = {}
    now = 0
    while waiting:
        for position, step in list(waiting.items()):
            if done.issuperset(step.after) and _may_begin(step, [steps[each] for each in ends], limits):
                starts[position], ends[position] = now, now + tenths[position]
                del waiting[position]
        if not ends:
            break
        first = min(ends, key=lambda each: (ends[each], each))
        now = ends.pop(first)
        done.add(steps[first].id)
    return starts


def _may_begin(step: Step, running: Sequence[Step], limits: LimitsPolicy) -> bool:
    return not any(each.disks for each in running) and all(
        (
            len(running) < limits.concurrent,
            sum(each.source == step.source for each in running) < limits.out_per_host,
            sum(each.target == step.target for each in running) < limits.in_per_host,
            limits.per_link is None or sum(each.network == step.network for each in running) < limits.per_link,
        )
    )

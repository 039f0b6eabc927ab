"""What a plan claims about its time, held against its own steps and its policy.

Nothing that made the schedule is used here: times are swept through event by event, steps launched anew, and the bound
is summed up anew. How long a step takes is asked of `plan.duration`, as the maker of the schedule does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

from rebalancer.inventory import Pool, Uuid
from rebalancer.plan.duration import migration_network, wire_seconds
from rebalancer.plan.finding import Finding, FindingKind
from rebalancer.plan.plan import Plan
from rebalancer.plan.step import Step
from rebalancer.policy import LimitsPolicy
from rebalancer.policy.windows import change_windows
from rebalancer.units import counted, moment_in_words

TENTHS = 10
CHAIN = "steps that wait for each other, one after another"
ALONE = "steps with disks, beside which nothing begins"
ROUNDING_SECONDS = 0.05
"""Times of a plan are in tenths of a second."""


def wrong_schedule(plan: Plan) -> Iterator[Finding]:
    """Times that contradict each other, the limits, the windows or the relations."""
    for steps in (plan.steps, plan.rollback):
        yield from _impossible(steps)
        yield from _too_early(steps)
        yield from _too_late(steps, plan.policy.limits)
        yield from _crowded(steps, plan.policy.limits)
        yield from _beside_disks(steps)
    for wrong, words in (*_wrong_totals(plan), *_wrong_bound(plan), *_wrong_window(plan)):
        if wrong:
            yield _finding("", words)


def wrong_durations(plan: Plan, pool: Pool) -> Iterator[Finding]:
    """Steps whose seconds are not those that the pace of *plan* gives in *pool*, the pool that it was made from."""
    pace, limits = plan.made_from.pace, plan.policy.limits
    for steps in (plan.steps, plan.rollback):
        leaving, coming = Counter(step.source for step in steps), Counter(step.target for step in steps)
        for step in steps:
            sharing = (
                min(leaving[step.source], limits.out_per_host, limits.concurrent),
                min(coming[step.target], limits.in_per_host, limits.concurrent),
            )
            network = None if step.disks else migration_network(pool, step.source, step.target)
            if step.network != network:
                yield _finding(step.id, "it does not travel over the network that the pool has for migrations")
            wire = wire_seconds(step.copied_bytes, pool, (step.source, step.target), network, sharing=sharing)
            likely = pace.likely(wire)
            if (step.seconds, step.seconds_low, step.seconds_high) != (likely, *pace.interval(likely)):
                yield _finding(step.id, f"it takes {likely:g} s by the plan's own pace, not {step.seconds:g} s")


def _impossible(steps: Sequence[Step]) -> Iterator[Finding]:
    for step in steps:
        if not 0 <= step.seconds_low <= step.seconds <= step.seconds_high or step.start_seconds < 0:
            yield _finding(step.id, "its times do not follow each other")
    for earlier, step in pairwise(steps):
        if step.start_seconds < earlier.start_seconds:
            yield _finding(step.id, f"it begins before {earlier.id}, which stands before it")


def _too_early(steps: Sequence[Step]) -> Iterator[Finding]:
    ends = {step.id: _tenths(step.start_seconds + step.seconds) for step in steps}
    for step in steps:
        for earlier in step.after:
            if ends.get(earlier, 0) > _tenths(step.start_seconds):
                yield _finding(step.id, f"it begins before {earlier} is done, for which it waits")


def _too_late(steps: Sequence[Step], limits: LimitsPolicy) -> Iterator[Finding]:
    """Steps that would be launched at another time than the plan says; early ones are told by what they break."""
    starts = launch_times(steps, [_tenths(step.seconds) for step in steps], limits)
    for position, step in enumerate(steps):
        if starts.get(position, 0) < _tenths(step.start_seconds):
            words = f"it would be launched at {starts.get(position, 0) / TENTHS:g} s, not at {step.start_seconds:g} s"
            yield _finding(step.id, words)


def _crowded(steps: Sequence[Step], limits: LimitsPolicy) -> Iterator[Finding]:
    """Steps with which more run at once than a limit allows; one that ends lets the next begin in the same moment."""
    most: tuple[tuple[str, int | None, Callable[[Step], Uuid | None]], ...] = (
        ("in the pool", limits.concurrent, lambda _: None),
        ("out of a host", limits.out_per_host, lambda step: step.source),
        ("into a host", limits.in_per_host, lambda step: step.target),
        ("over a network", limits.per_link, lambda step: step.network),
    )
    for step in steps:
        begins = _tenths(step.start_seconds)
        beside = [each for each in steps if _runs_at(each, begins)]
        for words, limit, share in most:
            together = sum(share(each) == share(step) for each in beside)
            if limit is not None and together > limit:
                yield _finding(step.id, f"{together} run at once {words}, where the policy allows {limit}")


def _beside_disks(steps: Sequence[Step]) -> Iterator[Finding]:
    for position, carrier in enumerate(steps):
        for step in steps[position + 1 :] if carrier.disks else ():
            if _runs_at(carrier, _tenths(step.start_seconds)):
                yield _finding(step.id, f"it begins while {carrier.id} carries disks")


def _runs_at(step: Step, tenths: int) -> bool:
    begins = _tenths(step.start_seconds)
    return begins <= tenths < begins + max(1, _tenths(step.seconds))


def _wrong_totals(plan: Plan) -> Iterator[tuple[bool, str]]:
    schedule, limits = plan.schedule, plan.policy.limits
    ends = max((step.start_seconds + step.seconds for step in plan.steps), default=0.0)
    yield abs(ends - schedule.seconds) > ROUNDING_SECONDS, f"the last step ends after {ends:g} s"
    for claimed, lengths in (
        (schedule.seconds_low, [step.seconds_low for step in plan.steps]),
        (schedule.seconds_high, [step.seconds_high for step in plan.steps]),
    ):
        found = launched(plan.steps, [_tenths(length) for length in lengths], limits) / TENTHS
        yield abs(found - claimed) > ROUNDING_SECONDS, f"an end of its interval is at {found:g} s, not at {claimed:g} s"


def _wrong_bound(plan: Plan) -> Iterator[tuple[bool, str]]:
    """What no schedule of its steps can beat, and why; plans that were kept may do without what disks add to that."""
    work = _work(plan.steps, plan.policy.limits)
    without = {lane: seconds for lane, seconds in work.items() if lane != (ALONE, None)}
    kept = any(step.disks for step in plan.steps) and not any(wrong for wrong, _ in _off(plan, without))
    yield from () if kept else _off(plan, work)


def _off(plan: Plan, work: Mapping[tuple[str, Uuid | None], Fraction]) -> Iterator[tuple[bool, str]]:
    most = max(work.values(), default=Fraction())
    bound, claimed = float(most), plan.schedule.bound_seconds
    yield abs(bound - claimed) > ROUNDING_SECONDS, f"its steps take {bound:.1f} s at least, not {claimed:.1f} s"
    reasons = {words for (words, _), seconds in work.items() if seconds == most} or {""}
    yield plan.schedule.bound_by not in reasons, f"its length is bounded by {' or '.join(sorted(reasons)) or 'nothing'}"


def _work(steps: Sequence[Step], limits: LimitsPolicy) -> dict[tuple[str, Uuid | None], Fraction]:
    """Seconds that *steps* take whatever their order: the longest chain, and what each limit lets through, in words."""
    work: dict[tuple[str, Uuid | None], Fraction] = {}
    finished: dict[str, Fraction] = {}
    for step in steps:
        seconds = Fraction(_tenths(step.seconds), TENTHS)
        finished[step.id] = seconds + max((finished.get(each, Fraction()) for each in step.after), default=Fraction())
        for words, where, wide in _narrow(step, limits):
            lane = f"{words}, {wide} at a time", where
            work[lane] = work.get(lane, Fraction()) + seconds / wide
    if not steps:
        return {}
    return {**work, (CHAIN, None): max(finished.values()), (ALONE, None): _one_by_one(steps, limits)}


def _one_by_one(steps: Sequence[Step], limits: LimitsPolicy) -> Fraction:
    """Seconds of the steps with disks, none beside another, and of what is left of the others where most is left.

    A place that other steps share can hold them beside a step with disks only if they began before it.
    """
    carriers = [step for step in steps if step.disks]
    shared: dict[tuple[str, Uuid | None, int], list[int]] = {}
    for step in steps if carriers else ():
        for place in _narrow(step, limits) if not step.disks else ():
            shared.setdefault(place, []).append(_tenths(step.seconds))
    left = Fraction()
    for place, tenths in shared.items():
        wide, beside = place[2], 0
        for carrier in carriers:
            room = min(limits.concurrent - 1, wide - (place in _narrow(carrier, limits)))
            beside += room * min(max(tenths), _tenths(carrier.seconds))
        left = max(left, Fraction(sum(tenths) - beside, wide * TENTHS))
    return left + Fraction(sum(_tenths(step.seconds) for step in carriers), TENTHS)


def _narrow(step: Step, limits: LimitsPolicy) -> Iterator[tuple[str, Uuid | None, int]]:
    yield "all migrations", None, limits.concurrent
    yield f"migrations out of {step.source_name}", step.source, limits.out_per_host
    yield f"migrations into {step.target_name}", step.target, limits.in_per_host
    if limits.per_link:
        yield "all migrations over one network", step.network, limits.per_link


def _wrong_window(plan: Plan) -> Iterator[tuple[bool, str]]:
    schedule, windows = plan.schedule, change_windows(plan.policy)
    opens = windows.opens_at(plan.made_at)
    closes = windows.closes_at(opens)
    yield schedule.begins_at != opens, f"by its policy it may begin at {moment_in_words(opens, plan.policy.timezone)}"
    yield schedule.closes_at != closes, "the window of its policy closes at another time"
    ends = {step.id: opens + timedelta(seconds=step.end_seconds) for step in plan.steps}
    late = tuple(step for step, end in ends.items() if closes and end > closes)
    yield (
        late != schedule.late,
        f"{counted(len(late), 'step ends', 'steps end')} after the window closes, not {len(schedule.late)}",
    )


def _tenths(seconds: float) -> int:
    return round(seconds * TENTHS)


def _finding(step: str, words: str) -> Finding:
    return Finding(kind=FindingKind.CLAIM, step=step, state="in the schedule", rule="schedule", words=words)


def launched(steps: Sequence[Step], tenths: Sequence[int], limits: LimitsPolicy) -> int:
    """Tenths of seconds until the last of *steps* is done, if they took *tenths*."""
    starts = launch_times(steps, tenths, limits)
    return max((starts[position] + tenths[position] for position in starts), default=0)


def launch_times(steps: Sequence[Step], tenths: Sequence[int], limits: LimitsPolicy) -> dict[int, int]:
    """When each of *steps* begins, by position, if they took *tenths*; those that never may begin are missing.

    Once all that end in one moment have ended, those that stand first begin first: what they wait for is done, no limit
    is reached, and no Storage XenMotion runs.
    """
    waiting, ends, done = dict(enumerate(steps)), dict[int, int](), set[str]()
    starts: dict[int, int] = {}
    now = 0
    while waiting:
        for position, step in list(waiting.items()):
            if len(ends) >= limits.concurrent:
                break
            if done.issuperset(step.after) and _may_begin(step, [steps[each] for each in ends], limits):
                starts[position], ends[position] = now, now + tenths[position]
                del waiting[position]
        if not ends:
            break
        now = min(ends.values())
        ended = [each for each in ends if ends[each] == now]
        ends = {each: end for each, end in ends.items() if end > now}
        done.update(steps[each].id for each in ended)
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

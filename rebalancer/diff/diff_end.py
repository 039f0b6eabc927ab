"""What comes of two plans: how long they take, what they do without, and how hosts end, where that differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rebalancer.plan.plan import HostState, Plan
from rebalancer.units import counted, duration_in_words, size_in_words


def end_differences(first: Plan, second: Plan) -> Mapping[str, tuple[str, ...]]:
    """Sentences by the part of the plan that they tell of; a part that differs otherwise has none."""
    return {
        "outcome": tuple(_outcome(first, second)),
        "missing": tuple(_missing(first, second)),
        "schedule": tuple(_time(first, second)),
        "hosts": tuple(_hosts(first, second)),
        "held": tuple(_held(first, second)),
    }


def _outcome(first: Plan, second: Plan) -> Iterator[str]:
    if first.outcome != second.outcome:
        yield f"the outcome is '{second.outcome}' instead of '{first.outcome}'"


def _missing(first: Plan, second: Plan) -> Iterator[str]:
    one, other = ({(each.vm, each.target): each for each in plan.missing} for plan in (first, second))
    for move in dict.fromkeys((*one, *other)):
        which = "the second" if move in other else "the first"
        told = other.get(move, one.get(move))
        if told and one.get(move) != other.get(move):
            only = "" if move in one and move in other else "only "
            yield f"{only}{which} does without {told.vm_name} to {told.target_name}: {told.words} [{told.rule}]"


def _held(first: Plan, second: Plan) -> Iterator[str]:
    one, other = ({(each.kind, each.uuid): each for each in plan.held} for plan in (first, second))
    for which in dict.fromkeys((*one, *other)):
        told = other.get(which, one.get(which))
        if told and one.get(which) != other.get(which):
            only = "" if which in one and which in other else "only "
            plan = "the second" if which in other else "the first"
            yield f"{only}{plan} holds {told.kind.replace('vm', 'VM')} {told.name} as it is: it {told.words}"


def _time(first: Plan, second: Plan) -> Iterator[str]:
    was, now = (duration_in_words(plan.schedule.seconds) for plan in (first, second))
    if was != now:
        yield f"takes about {now} instead of {was}"


def _hosts(first: Plan, second: Plan) -> Iterator[str]:
    one = {row.uuid: row for row in first.hosts}
    for row in second.hosts:
        if row.uuid in one and row.after != one[row.uuid].after:
            was, now = _state(first, one[row.uuid].after), _state(second, row.after)
            yield f"{row.name} ends with {now} instead of {was}" if was != now else f"{row.name} ends with other VMs"


def _state(plan: Plan, state: HostState) -> str:
    known = state.peak_share is not None and state.peak_slot is not None
    peak = f", CPU {state.peak_share:.0%} at {plan.when.words(state.peak_slot or 0)}" if known else ""
    return f"{counted(len(state.vms), 'VM')}, {size_in_words(state.memory_used_bytes)}{peak}"

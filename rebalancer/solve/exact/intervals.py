"""Starting times by CP-SAT: tasks of fixed length that wait for each other and share lanes of limited width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ortools.sat.python import cp_model

from rebalancer.solve.exact.solver import one_worker

CLOSE = 0.002
"""A schedule this close to its bound is short enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """A lane: of the tasks *members*, by position, at most *width* run at once."""

    members: tuple[int, ...]
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservoir:
    """Something that has `room`: tasks hold some of it, by position, until they end, or from their start for good."""

    until_end: Mapping[int, int]
    from_start: Mapping[int, int]
    room: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """Tasks by position: how many ticks each takes, which each waits for, and what they share.

    While one of those that are `alone` runs, none begins; what began before it, or with it, goes on.
    """

    ticks: tuple[int, ...]
    after: tuple[tuple[int, ...], ...]
    lanes: tuple[Shared, ...]
    alone: tuple[int, ...] = ()
    held: tuple[Reservoir, ...] = ()


def shortened(tasks: Intervals, starts: Sequence[int], *, least: int, effort: float) -> tuple[int, ...]:
    """Starts that end no later than *starts*, which are legal themselves; the same where nothing better is found.

    The same tasks, starts and effort give the same answer.

    Args:
        tasks: what is to be placed.
        starts: where each task begins now.
        least: ticks that all tasks together take at least.
        effort: how long to try, in CP-SAT's deterministic seconds.
    """
    ends = max((start + ticks for start, ticks in zip(starts, tasks.ticks, strict=True)), default=0)
    model = cp_model.CpModel()
    begin = [model.new_int_var(0, ends - ticks, "") for ticks in tasks.ticks]
    last = model.new_int_var(min(least, ends), ends, "")
    _post(model, tasks, begin, last)
    for held in tasks.held:
        _hold(model, held, tasks, begin, ends)
    for variable, start in zip(begin, starts, strict=True):
        model.add_hint(variable, start)
    model.minimize(last)
    solver = one_worker()
    solver.parameters.random_seed = 1
    solver.parameters.max_deterministic_time = effort
    solver.parameters.relative_gap_limit = CLOSE
    if solver.solve(model) not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return tuple(starts)
    return tuple(solver.value(each) for each in begin)


def _post(model: cp_model.CpModel, tasks: Intervals, begin: Sequence[cp_model.IntVar], last: cp_model.IntVar) -> None:
    timed = list(zip(begin, tasks.ticks, strict=True))
    intervals = [model.new_fixed_size_interval_var(start, ticks, "") for start, ticks in timed]
    for position, (start, ticks) in enumerate(timed):
        model.add(start + ticks <= last)
        for earlier in tasks.after[position]:
            model.add(begin[earlier] + tasks.ticks[earlier] <= start)
    for lane in tasks.lanes:
        if len(lane.members) > lane.width:
            members = [intervals[each] for each in lane.members]
            model.add_cumulative(members, [1] * len(members), lane.width)
    if tasks.alone:
        _let_none_begin_beside(model, tasks, begin, intervals)


def _hold(
    model: cp_model.CpModel, held: Reservoir, tasks: Intervals, begin: Sequence[cp_model.IntVar], ends: int
) -> None:
    """Never more than there is: until a task ends what it frees is held, from its start what it takes."""
    leaving = [
        model.new_interval_var(0, begin[each] + tasks.ticks[each], begin[each] + tasks.ticks[each], "")
        for each in held.until_end
    ]
    coming = [model.new_interval_var(begin[each], ends - begin[each], ends, "") for each in held.from_start]
    demands = [*held.until_end.values(), *held.from_start.values()]
    model.add_cumulative([*leaving, *coming], demands, held.room)


def _let_none_begin_beside(
    model: cp_model.CpModel,
    tasks: Intervals,
    begin: Sequence[cp_model.IntVar],
    intervals: Sequence[cp_model.IntervalVar],
) -> None:
    """From a tick after it began until it ends, a task that is alone leaves no room for a beginning."""
    everybody, others = len(tasks.ticks), set(range(len(tasks.ticks))) - set(tasks.alone)
    model.add_no_overlap([intervals[each] for each in tasks.alone])
    lengths = {each: max(0, tasks.ticks[each] - 1) for each in tasks.alone}
    closed = [model.new_fixed_size_interval_var(begin[each] + 1, ticks, "") for each, ticks in lengths.items()]
    beginnings = [model.new_fixed_size_interval_var(begin[each], 1, "") for each in sorted(others)]
    demands = [everybody] * len(closed) + [1] * len(beginnings)
    model.add_cumulative([*closed, *beginnings], demands, everybody)

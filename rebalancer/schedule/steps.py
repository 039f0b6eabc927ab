"""From an order to steps: names, dependencies, sizes, durations, times and reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rebalancer.describe.crossing import crossing_of
from rebalancer.describe.disks import step_disks
from rebalancer.describe.memory import memory_by_step
from rebalancer.placement import Migration
from rebalancer.plan.duration import NO_EXPERIENCE, Pace
from rebalancer.plan.step import HostMemory, Step, StepKind
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.schedule.lanes import Job
from rebalancer.schedule.retime import in_time
from rebalancer.schedule.schedule import TICKS_A_SECOND


def steps_of(
    migrations: Sequence[Migration],
    book: Rulebook,
    reasons: Sequence[str],
    *,
    prefix: str = "s",
    pace: Pace = NO_EXPERIENCE,
    effort: float = 0.0,
) -> tuple[Step, ...]:
    """*migrations* as steps `s01`, `s02` ... in the order in which they are launched, with one of *reasons* each.

    Args:
        migrations: in a legal order.
        book: the rules, before the first move.
        reasons: why, one a migration.
        prefix: first letter of the ids.
        pace: how long steps take.
        effort: how long CP-SAT may look for a shorter timetable, in its deterministic seconds.
    """
    chosen = in_time(migrations, book, pace, effort)
    jobs, starts = chosen.jobs, chosen.timetable.starts
    migrations, reasons = [migrations[each] for each in chosen.positions], [reasons[each] for each in chosen.positions]
    turns = sorted(range(len(migrations)), key=lambda each: (starts[each], jobs[each].carries, each))
    width = max(2, len(str(len(migrations))))
    ids = {position: f"{prefix}{number:0{width}}" for number, position in enumerate(turns, start=1)}
    hosts = dict(zip(turns, memory_by_step([migrations[each] for each in turns], book), strict=True))
    make = _Making(problem=book.problem, pace=pace, ids=ids, hosts=hosts)
    return tuple(make.step(each, migrations[each], jobs[each], starts[each], reasons[each]) for each in turns)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Making:
    """What steps are made from; by position in the order: `ids` are their names, `hosts` what theirs hold."""

    problem: Problem
    pace: Pace
    ids: Mapping[int, str]
    hosts: Mapping[int, tuple[HostMemory, HostMemory]]

    def step(self, position: int, move: Migration, job: Job, start: int, why: str) -> Step:
        pool = self.problem.pool
        seconds = job.ticks / TICKS_A_SECOND
        low, high = self.pace.interval(seconds)
        return Step(
            id=self.ids[position],
            kind=StepKind.HOP if move.hop else StepKind.MOVE,
            vm=move.vm,
            vm_name=pool.vms[move.vm].name,
            source=move.source,
            source_name=pool.hosts[move.source].name,
            target=move.target,
            target_name=pool.hosts[move.target].name,
            after=tuple(sorted(self.ids[earlier] for earlier in job.after)),
            memory_bytes=pool.vms[move.vm].migration_memory_bytes,
            disks=step_disks(move, self.problem),
            network=job.network,
            seconds=seconds,
            seconds_low=low,
            seconds_high=high,
            start_seconds=start / TICKS_A_SECOND,
            hosts=self.hosts[position],
            why=why,
            crossing=crossing_of(move, self.problem),
        )

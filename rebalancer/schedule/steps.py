"""From an order to steps: names, dependencies, sizes, durations, times and reasons."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.describe.disks import crossing_of, step_disks
from rebalancer.describe.memory import memory_by_step, squeeze_told
from rebalancer.placement import Migration
from rebalancer.plan.duration import NO_EXPERIENCE, Pace
from rebalancer.plan.step import Step, StepKind
from rebalancer.rules import Rulebook
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
    pool, names = book.problem.pool, book.problem.names
    held = memory_by_step([migrations[each] for each in turns], book)
    found = []
    for each, hosts in zip(turns, held, strict=True):
        move, job = migrations[each], jobs[each]
        vm = pool.vms[move.vm]
        seconds = job.ticks / TICKS_A_SECOND
        low, high = pace.interval(seconds)
        found.append(
            Step(
                id=ids[each],
                kind=StepKind.HOP if move.hop else StepKind.MOVE,
                vm=move.vm,
                vm_name=names.vms[move.vm],
                source=move.source,
                source_name=names.hosts[move.source],
                target=move.target,
                target_name=names.hosts[move.target],
                after=tuple(sorted(ids[earlier] for earlier in job.after)),
                memory_bytes=vm.migration_memory_bytes,
                disks=step_disks(move, book.problem),
                network=job.network,
                seconds=seconds,
                seconds_low=low,
                seconds_high=high,
                start_seconds=starts[each] / TICKS_A_SECOND,
                hosts=hosts,
                why=reasons[each],
                crossing=crossing_of(move, book.problem),
                squeeze=squeeze_told(vm, vm.migration_memory_bytes),
            )
        )
    return tuple(found)

"""For how long VMs that cannot leave their host were off: as the trace tells what was sent, and what was seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from rebalancer.face.rolling.kept import KeptRolling, KeptStage
from rebalancer.face.rolling.trace import Entry, Event, Trace
from rebalancer.inventory import Uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class Downtime:
    """For how long a VM of *host* was off, beside the estimate.

    Args:
        host: the name of its host.
        vm: its uuid.
        vm_name: its name.
        seconds: from when it was last asked to shut down until it was seen running; so far where that is not over.
        estimated_seconds: what was estimated when it was planned.
        off_since: when it was asked, where it has not been seen running since.
        hard: whether it was switched off, because its guest did not react.
    """

    host: str
    vm: Uuid
    vm_name: str
    seconds: float
    estimated_seconds: float
    off_since: datetime | None = None
    hard: bool = False


def downtimes(kept: KeptRolling, now: datetime) -> tuple[Downtime, ...]:
    """That of each VM that was seen off, in the order of the stages and of their lists; *now* is the time.

    Raises:
        InputError: the trace cannot be read.
        PlanFileError: a stage cannot be.
    """
    entries = Trace.opened(kept.trace).entries
    return tuple(each for stage in kept.stages() for each in _of_stage(stage, entries, now))


def _of_stage(stage: KeptStage, entries: Sequence[Entry], now: datetime) -> Iterator[Downtime]:
    for each in stage.shut_down:
        lines = [line for line in entries if line.stage == stage.number and line.vm == each.vm]
        spans = list(_spans(lines))
        if not spans:
            continue
        ends = [(end or now) - begin for begin, end in spans]
        yield Downtime(
            host=stage.host_name,
            vm=each.vm,
            vm_name=each.vm_name,
            seconds=sum(end.total_seconds() for end in ends),
            estimated_seconds=each.seconds,
            off_since=spans[-1][0] if spans[-1][1] is None else None,
            hard=any(line.event is Event.FORCING for line in lines),
        )


def _spans(lines: Sequence[Entry]) -> Iterator[tuple[datetime, datetime | None]]:
    """From when until when a VM was off, by the lines about it; None where it still is.

    A VM that was asked again, and not seen off between, has run until then; if it was seen off, somebody started it.
    """
    asked: datetime | None = None
    off = False
    for line in lines:
        if line.event is Event.STOPPING:
            if off and asked:
                yield asked, line.at
            asked, off = line.at, False
        elif line.event is Event.HALTED:
            off = True
        elif line.event is Event.RUNS and asked:
            yield asked, line.at
            asked, off = None, False
    if off and asked:
        yield asked, None

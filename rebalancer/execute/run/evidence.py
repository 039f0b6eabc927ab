"""What became of a call whose answer nobody heard: settled from evidence, or left to people where that is incomplete.

A call that XAPI has taken is a task from the first moment on, whatever it waits for: XAPI lets it queue behind the VM
for up to two hours (XAPI.md 4.4). So a VM that rests where it was, in a pool without a pending migration that could be
the call, has none coming, unless a toolstack was restarted meanwhile: it forgets its tasks, and a migration that it
began may still go on. Then it takes as long as the longest migration until a VM at rest says the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rebalancer.execute.claim.fence import STEP
from rebalancer.execute.claim.pool_claim import MOTIONS
from rebalancer.execute.journal.outcome import StepState
from rebalancer.execute.run.observation import Observation, is_migrating, observed
from rebalancer.execute.run.watch import Waiting, Watch
from rebalancer.inventory import Pool, Uuid
from rebalancer.placement import Migration
from rebalancer.xapi import TaskRow

STARTED = "agent_start_time"
"""The key of `host.other_config` in which a toolstack writes when it started, in seconds since the epoch."""
SKEW = timedelta(minutes=10)
"""By how much clocks may differ."""

NEVER_SENT = "it was never sent: the VM has no mark, without which no call leaves"
NOT_TAKEN = "the pool never took the call: it has no such task, and the VM rests where it was"
OVER = "a task of the pool that can be its is over, and the VM rests where it was"
RESTARTED = "a toolstack was restarted since, so that the pool no longer knows"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTrace:
    """What is known of a call.

    Args:
        since: when it was about to be sent.
        toolstacks: those it was sent to; none where nobody wrote them down.
        sent: whether it surely left; else no mark on the VM tells that it did not.
        marked: whether its VM was marked before.
        others: tasks that are known to be of other steps.
    """

    since: datetime
    toolstacks: tuple[str, ...]
    sent: bool
    marked: bool
    others: frozenset[str] = frozenset()


def toolstacks_of(pool: Pool, hosts: Iterable[Uuid]) -> tuple[str, ...]:
    """The toolstacks that a migration between *hosts* concerns, each with when it was started; () if one is unknown."""
    found = dict(_started(pool, hosts))
    return tuple(f"{host} {at}" for host, at in sorted(found.items())) if all(found.values()) else ()


def _started(pool: Pool, hosts: Iterable[Uuid]) -> Iterator[tuple[Uuid, str]]:
    """Each of *hosts*, and the coordinators of their pools, with when its toolstack was started."""
    known = [host for host in hosts if host in pool.hosts]
    for host in {*known, *(pool.of_host(each).coordinator for each in known)}:
        yield host, pool.hosts[host].other_config.get(STARTED, "") if host in pool.hosts else ""


@dataclass(slots=True, kw_only=True)
class Evidence:
    """What the pool shows of a call for *move* with this *trace*, looked at for up to *seconds*."""

    watch: Watch
    move: Migration
    trace: CallTrace
    seconds: float

    def settle(self) -> Waiting[tuple[Observation, str]]:
        """What became of the call, and why that is known: `unsent` or `stayed` only where none can come any more.

        Raises:
            Unreachable: the pool does not tell.
        """
        until = self.watch.clock.monotonic() + self.seconds
        while True:
            found = yield from self._at_rest()
            if found.state is not StepState.STAYED:
                return found, ""
            if self._was_never_sent(found):
                return Observation(state=StepState.UNSENT, where=found.where), NEVER_SENT
            tasks = self._tasks()
            pending = [task.ref for task in tasks if task.pending]
            if not pending and self._still_rests():
                return self._without_tasks(found, tasks)
            if self.watch.clock.monotonic() >= until:
                words = f"task {pending[0]} may be its" if pending else "the VM does not come to rest"
                return Observation(state=StepState.UNKNOWN, where=found.where), words
            yield None

    def _at_rest(self) -> Waiting[Observation]:
        """The VM once it rests; at once, where it has no mark: then no call was sent that could still come."""
        found = yield from self.watch.settled(self.move, self.seconds, quiet=0)
        if found.state is StepState.STAYED and not self._was_never_sent(found):
            found = yield from self.watch.settled(self.move, self.seconds, quiet=self.watch.timeouts.quiet)
        return found

    def _was_never_sent(self, found: Observation) -> bool:
        marked = found.where is not None and STEP in found.where.marks
        return self.trace.marked and not self.trace.sent and not marked

    def _tasks(self) -> list[TaskRow]:
        """Migrations that the call can be."""
        tasks = self.watch.keep_asking(self.watch.live.marks.tasks)
        return [task for task in tasks if task.call in MOTIONS and task.ref not in self.trace.others]

    def _still_rests(self) -> bool:
        """Whether the VM rests where it was after its tasks were looked at: one may have ended just before."""
        where = self.watch.look(self.move.vm)
        return not is_migrating(where) and observed(self.move, where).state is StepState.STAYED

    def _without_tasks(self, found: Observation, tasks: list[TaskRow]) -> tuple[Observation, str]:
        pool = self.watch.keep_asking(self.watch.live.read)
        now = toolstacks_of(pool, self._hosts())
        if (not now or now != self.trace.toolstacks) and not self._restarted_long_ago(pool):
            return Observation(state=StepState.UNKNOWN, where=found.where), RESTARTED
        if any(task.created >= self.trace.since - SKEW for task in tasks):
            return found, OVER
        return Observation(state=StepState.UNSENT, where=found.where), NOT_TAKEN

    def _hosts(self) -> tuple[Uuid, ...]:
        """The hosts that the call concerns: of an orphan those in its mark, which the step at hand need not go to."""
        return tuple(each.partition(" ")[0] for each in self.trace.toolstacks) or (self.move.source, self.move.target)

    def _restarted_long_ago(self, pool: Pool) -> bool:
        """Whether every migration that a toolstack began before its last start would be over by now."""
        started = [_moment(at) for _, at in _started(pool, self._hosts())]
        if None in started:
            return False
        clock = self.watch.keep_asking(lambda: self.watch.live.marks.clock(pool.of_host(self.move.source).uuid))
        return all(at is not None and clock - at > timedelta(seconds=self.seconds) for at in started)


def _moment(text: str) -> datetime | None:
    """A time in seconds since the epoch, as toolstacks write it; None where it is none."""
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        return None

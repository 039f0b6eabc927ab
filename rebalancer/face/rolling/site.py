"""What the work on all hosts is done with, and how far it came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from rebalancer.errors import RollingStopped, XapiError
from rebalancer.execute import Clock, RunResult
from rebalancer.face.maintenance import one_pool
from rebalancer.face.read import PoolState
from rebalancer.face.rolling.kept import KeptRolling, KeptStage
from rebalancer.face.rolling.trace import FORMAT, Entry, Event, Trace
from rebalancer.inventory import Host, Pool, Uuid
from rebalancer.plan import Plan
from rebalancer.policy import DemandPolicy, Policy
from rebalancer.xapi import LivePair, LivePool

Connect = Callable[[], AbstractContextManager[LivePool | LivePair]]


class PoolDoor:
    """One way into the pool for all looks: a block that begins with it has the pool, and an error in it shuts it.

    Between two blocks it stays open, so that a look only asks what has changed since the last one.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._open: AbstractContextManager[LivePool | LivePair] | None = None
        self._live: LivePool | None = None

    def __enter__(self) -> LivePool:
        if self._live is None:
            self._open = self._connect()
            self._live = one_pool(self._open.__enter__())
        return self._live

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        if kind is not None:
            self.shut()

    def shut(self) -> None:
        """Leave; the next block comes in anew."""
        leaving, self._open, self._live = self._open, None, None
        with suppress(XapiError):
            if leaving is not None:
                leaving.__exit__(None, None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Seconds between two looks, before a call counts as not sent, and for what a host that has booted still lacks."""

    poll: float = 5.0
    quiet: float = 60.0
    settle: float = 300.0


class Assent(Protocol):
    """Whether a stage may go on, as far as that is asked for each by itself."""

    def __call__(self, stage: KeptStage, /, *, before: bool) -> bool:
        """Whether somebody says yes to the plan of *stage*, now or, as the trace knows, *before*.

        Raises:
            ApprovalRefused: it waits for an approval, or somebody says no.
        """


def nobody_asks(_stage: KeptStage, *, before: bool) -> bool:
    """No stage waits for an approval of its own."""
    return before


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where and by what the work is done.

    Args:
        pool: uuid of the pool.
        policy: the operator's, which nobody else can have written.
        door: the way in.
        carry_out: carries out a plan that stands in a folder, or goes on with it.
        read: the pool with its load, where a stage is planned anew.
        say: hears what is done.
        clock: time.
        state_dir: where locks, journals and the trace are.
        waits: how long what is waited for.
        any_time: whether neither change windows nor hours of least load are waited for.
        approved: raises where a stage waits for an approval of its own; else whether somebody says yes just now, or did
            *before*.
    """

    pool: Uuid
    policy: Policy
    door: PoolDoor
    carry_out: Callable[[Plan, Path], RunResult]
    read: Callable[[DemandPolicy], PoolState]
    say: Callable[[str], None]
    clock: Clock
    state_dir: Path | None
    waits: Waits = Waits()
    any_time: bool = False
    approved: Assent = nobody_asks

    @property
    def allowed(self) -> Sequence[str]:
        """The words of the policy."""
        return self.policy.execution.power

    def look(self) -> Pool:
        """The pool as it is now."""
        with self.door as live:
            return live.read()


class Progress:
    """The stages of *kept*, and the trace that tells which are done."""

    def __init__(self, kept: KeptRolling, site: Site) -> None:
        self.kept, self._clock = kept, site.clock
        self.stages, index = kept.stages(), kept.index()
        self.version, self.habit = index.update, index.returns
        self._trace = Trace.opened(kept.trace)
        if not self._trace.entries:
            self.note(Event.BEGAN, words=FORMAT)

    @property
    def began_at(self) -> datetime:
        """When the work began."""
        return self._trace.entries[0].at

    @property
    def done(self) -> int:
        """How many stages are done."""
        return sum(self.has(Event.DONE, stage) for stage in self.stages)

    def note(
        self, event: Event, stage: KeptStage | None = None, *, digest: str = "", boot_time: str = "", words: str = ""
    ) -> None:
        """Write a line; errors are those of `Trace.append`."""
        number, host = (stage.number, stage.host) if stage else (0, "")
        entry = Entry(event=event, at=self._clock.now(), stage=number, host=host, digest=digest)
        self._trace.append(replace(entry, boot_time=boot_time, words=words))

    def has(self, event: Event, stage: KeptStage | None = None) -> bool:
        """Whether a line of that kind stands there."""
        return self._trace.last(event, stage.number if stage else 0) is not None

    def has_agreed(self, digest: str) -> bool:
        """Whether somebody said yes to who is shut down, as the stages with that *digest* have it."""
        agreed = self._trace.last(Event.AGREED)
        return agreed is not None and agreed.digest == digest

    def in_force(self, stage: KeptStage) -> KeptStage:
        """*stage* with the plan that it was given last.

        Raises:
            PlanFileError: that cannot be read, or is another one by now.
        """
        made = [each for each in self._trace.entries if (each.event, each.stage) == (Event.ANEW, stage.number)]
        if not made or len(made) == stage.times_anew:
            return stage
        plan, folder = self.kept.plan_anew(made[-1].words, made[-1].digest)
        return self.stages[stage.number - 1].planned_anew(plan, folder, len(made))

    def said_yes(self, stage: KeptStage) -> bool:
        """Whether somebody said yes to the plan of *stage* at the terminal."""
        last = self._trace.last(Event.APPROVED, stage.number)
        return last is not None and last.digest == stage.plan.digest

    def all_words(self, event: Event, stage: KeptStage) -> tuple[str, ...]:
        """The words of all lines of that kind."""
        return tuple(each.words for each in self._trace.entries if (each.event, each.stage) == (event, stage.number))

    def words(self, event: Event, stage: KeptStage) -> str:
        """Those of the last one; "" where there is none."""
        return next(reversed(self.all_words(event, stage)), "")

    def last_about(self, vm: Uuid, stage: KeptStage) -> Event | None:
        """What the last line tells that is about a VM of *stage*, if there is one."""
        lines = (each for each in reversed(self._trace.entries) if each.stage == stage.number)
        return next((each.event for each in lines if each.vm == vm), None)

    def at(self, event: Event, vm: Uuid, stage: KeptStage) -> datetime | None:
        """When the last line of that kind was written about a VM of *stage*, if there is one."""
        lines = (each for each in reversed(self._trace.entries) if (each.event, each.stage) == (event, stage.number))
        return next((each.at for each in lines if each.vm == vm), None)

    def going(self, stage: KeptStage) -> Entry | None:
        """The line that announces that the host goes down, where nobody knows yet whether it does."""
        return self._trace.last(Event.GOING, stage.number)

    def failed(self, stage: KeptStage) -> bool:
        """Whether the host was told to go down, and surely does not."""
        last = self._trace.last_of(stage.number)
        return last is not None and last.event is Event.FAILED

    def assert_current(self) -> None:
        """Pass where nobody else has written to the trace, or given up the work.

        Raises:
            RollingStopped: somebody has.
            InputError: the trace cannot be read.
        """
        if not self.kept.is_begun or Trace.opened(self.kept.trace).entries != self._trace.entries:
            raise self.stopped(["another process has gone on with this meanwhile, or has given it up"])

    def stopped(self, facts: Sequence[str]) -> RollingStopped:
        """The error that ends the work here: *facts* are a sentence each."""
        left = len(self.stages) - self.done
        return RollingStopped("\n".join(facts), done=self.done, left=left, journal=str(self.kept.trace))

    def host(self, pool: Pool, stage: KeptStage) -> Host:
        """The host of *stage* as *pool* shows it.

        Raises:
            RollingStopped: it has left the pool.
        """
        if stage.host not in pool.hosts:
            raise self.stopped([f"{stage.host_name} is not in the pool any more"])
        return pool.hosts[stage.host]

"""Replaying recorded weeks: each night everybody decides by the days before, and the day after is judged as it came."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from rebalancer.demand.recording import Recording, whole_day_from
from rebalancer.errors import InputError
from rebalancer.essence import line_of
from rebalancer.inventory import Names, Pool, Uuid
from rebalancer.objectives import MigrationCost
from rebalancer.placement import current_placement
from rebalancer.policy import Mode
from rebalancer.problem import pool_at
from rebalancer.rules import Rulebook
from rebalancer.units import HOURS_A_DAY, counted
from rebalancer.whatif.replay.judge import DayLoad, day_of, least_overload
from rebalancer.whatif.replay.night import Contender, Decision, Night
from rebalancer.whatif.replay.regret import Regret, regret_of
from rebalancer.workers import Sweep, swept

DAY = timedelta(days=1)


class ReplayReporter:
    """A listener: overwrite what is of interest; nothing depends on the answer."""

    def night_done(self, replayed: ReplayedNight) -> None:
        """Somebody has decided, and the day after is judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedNight:
    """A night of one contender, and the day after.

    Args:
        contender: whose.
        number: 0 for the first night of the replay.
        at: when it was decided; the day that is judged begins then.
        without: the day as it would have been had nothing ever moved.
        least_overload: pCPU-hours of overload that the pool as a whole has, wherever VMs are.
        day: the day as it was.
        moved: the VMs that moved in the night.
        gib: memory and disks that were copied for it.
        planned: whether there was an answer: metrics may be refused, and rules may leave none.
        words: what came of deciding.
        regret: against somebody who knew the day; None where nobody asked.
    """

    contender: str
    number: int
    at: datetime
    without: DayLoad
    least_overload: float
    day: DayLoad
    moved: tuple[Uuid, ...]
    gib: float
    planned: bool
    words: str
    regret: Regret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """All nights of all contenders, one contender after another, and the names of what they speak of.

    `unknown_share` is the share of VMs' hours that the recording does not know; VMs in `put_back` begin where they were
    then, and not where they are now.

    Example:
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> found = rb.replay(state, "traces.csv", nights=1, seconds=0.1, regret=False)
        >>> found.contenders
        ('nothing', 'greedy', 'hill-climb', 'default')
    """

    nights: tuple[ReplayedNight, ...]
    unknown_share: float
    vm_names: dict[Uuid, str] = field(default_factory=dict)
    host_names: dict[Uuid, str] = field(default_factory=dict)
    put_back: tuple[Uuid, ...] = ()

    def __repr__(self) -> str:
        nights = len(self.nights) // max(1, len(self.contenders))
        return line_of("Replay", f"of {counted(nights, 'night')}: {', '.join(self.contenders)}")

    @property
    def contenders(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(dict.fromkeys(night.contender for night in self.nights))

    def of(self, contender: str) -> tuple[ReplayedNight, ...]:
        """The nights of one of them."""
        return tuple(night for night in self.nights if night.contender == contender)


def first_night(recording: Recording, days_back: int) -> datetime:
    """The first midnight, UTC, with so many recorded days before it."""
    return whole_day_from(recording.start) + days_back * DAY


def nights_in(recording: Recording, days_back: int) -> int:
    """How many nights have *days_back* days before them, and a whole day after."""
    return max(0, (recording.end - first_night(recording, days_back)) // DAY)


def replay(
    pool: Pool,
    recording: Recording,
    contenders: Sequence[Contender],
    *,
    days_back: int,
    nights: int | None = None,
    regret: bool = True,
    reporter: ReplayReporter | None = None,
    executor: Executor | None = None,
) -> Replay:
    """What *contenders* would have made of *pool*, each by itself, all from where its VMs are.

    All moves of a night are made at once, at its midnight; that they have a legal order is not looked at.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> from rebalancer.demand.recording import read_recording
        >>> from rebalancer.whatif.replay import Greedy, by_week
        >>> state = rb.read("pool.json.gz")
        >>> known, greedy = read_recording(Path("traces.csv"), state.pool), Greedy(policy=rb.Policy())
        >>> found = rb.whatif.replay(state.pool, known, [greedy], days_back=7, nights=2, regret=False)
        >>> (week,) = by_week(found.of("greedy"))
        >>> week.moves, week.overload < week.overload_without
        (18, True)

    Args:
        pool: the pool as it was before the first night.
        recording: what it used.
        contenders: who decides.
        days_back: days that have to be recorded before the first night.
        nights: how many; all that the recording holds by default.
        regret: whether each night is compared with somebody who knew the day after.
        reporter: hears of each night; with *executor* once all of them are done.
        executor: replays contenders side by side, in processes for instance; by default one after another.

    Raises:
        InputError: two contenders have one name, a policy looks back further than *days_back* or evacuates hosts, or
            the recording holds fewer nights.
        WorkerLost: whoever worked on one contender was lost again and again.
    """
    _refuse(contenders, days_back)
    there = nights_in(recording, days_back)
    wanted = there if nights is None else nights
    if not 1 <= wanted <= there:
        days = f"{recording.hours / HOURS_A_DAY:.1f} days"
        holds = f"it holds {days}, which is {there} nights with {days_back} days before the first and one after each"
        raise InputError(recording.source, holds, "Record longer, or look back over fewer days")
    start = Night(at=first_night(recording, days_back), pool=pool, recording=recording)
    listener, names = reporter or ReplayReporter(), Names(pool)
    if executor is None:
        done = [_nights(start, each, wanted, listener, regret=regret) for each in contenders]
    else:
        quiet = ReplayReporter()
        calls = {each.name: partial(_nights, start, each, wanted, quiet, regret=regret) for each in contenders}
        done = [_told(nights, listener) for nights in swept(calls, Sweep(executor=executor))]
    return Replay(
        nights=tuple(night for nights in done for night in nights),
        unknown_share=recording.unknown_share(),
        vm_names={vm.uuid: names.vms[vm.uuid] for vm in pool.resident_guests()},
        host_names=dict(names.hosts),
    )


def _nights(
    start: Night, contender: Contender, nights: int, listener: ReplayReporter, *, regret: bool
) -> tuple[ReplayedNight, ...]:
    """The nights of one contender, in each of which VMs are where the last one has brought them."""
    found, night = [], start
    for number in range(nights):
        decision = contender.decide(night)
        done = _judged(start, night, number, contender, decision, regret=regret)
        listener.night_done(done)
        found.append(done)
        night = Night(
            at=night.at + DAY,
            pool=pool_at(night.pool, decision.placement),
            recording=night.recording,
            moved_at={**night.moved_at, **dict.fromkeys(done.moved, night.at)},
        )
    return tuple(found)


def _told(nights: tuple[ReplayedNight, ...], listener: ReplayReporter) -> tuple[ReplayedNight, ...]:
    for night in nights:
        listener.night_done(night)
    return nights


def _judged(
    start: Night, night: Night, number: int, contender: Contender, decision: Decision, *, regret: bool
) -> ReplayedNight:
    known = Rulebook.of(night.in_hindsight(contender.policy))
    came, placement = night.recording.came(start.pool, night.at), decision.placement
    return ReplayedNight(
        contender=contender.name,
        number=number,
        at=night.at,
        without=day_of(start.pool, came, current_placement(start.pool).host_of),
        least_overload=least_overload(start.pool, came),
        day=day_of(start.pool, came, placement.host_of),
        moved=tuple(move.vm for move in known.problem.initial.moves_to(placement)),
        gib=MigrationCost().value(placement, known),
        planned=decision.planned,
        words=decision.words,
        regret=regret_of(known, placement) if regret else None,
    )


def _refuse(contenders: Sequence[Contender], days_back: int) -> None:
    names = [each.name for each in contenders]
    for each in reversed(contenders):  # policies that people named come last, and are told first
        policy, called = each.policy, f"policy {each.name}"
        if names.count(each.name) > 1:
            raise InputError(called, "two contenders have this name", "Give them names of their own")
        if policy.mode is Mode.EVACUATE:
            raise InputError(called, "it empties hosts, which no night repeats", "Name policies of another mode")
        if policy.demand.window_days > days_back:
            looks = f"it looks back {policy.demand.window_days} days, and {days_back} are kept before the first night"
            raise InputError(called, looks, "Keep as many, or let it look back less")

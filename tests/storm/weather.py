"""The weather of a storm: what goes wrong, drawn from the chance, and told in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from rebalancer.plan import Plan
from rebalancer.simulator import FAULTS, Fault, Simulator, VirtualTime, draw
from rebalancer.simulator.state.fault import FaultKind, Occasion
from rebalancer.simulator.state.faults import Faults
from rebalancer.simulator.state.world import World
from tests.storm.executor import AFTER, BEFORE, CALL, HALF, LINE, Executor, Killed, Point
from tests.storm.judge import Judge
from tests.storm.outsiders import DEEDS, Outsider
from tests.storm.situations import Situation

MOVE = {False: "Async.VM.pool_migrate", True: "Async.VM.migrate_send"}
LINES = ("run-began", "intended", "sent", "looked", "run-ended", "")
MOST_CALLS = 260
"""About as many as a run sends."""
LATEST_SECONDS = 60.0
"""When others do things, after the beginning."""

Strike = Callable[[Executor], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """Something that befalls a process at a point of its run."""

    point: Point
    words: str
    strike: Strike

    def __str__(self) -> str:
        return f"{self.words} {self.point}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What befalls each run, one after the other or two at once; what befalls the pool, and what others do when."""

    runs: tuple[tuple[Blow, ...], ...]
    pauses: tuple[float, ...]
    faults: tuple[Fault, ...]
    deeds: tuple[tuple[float, Callable[[Outsider, Random], None]], ...]
    rolls_back: bool = False
    is_young: bool = False

    def told(self) -> list[str]:
        """All of it in words."""
        runs = [f"run {number}: {', '.join(map(str, blows)) or 'fine'}" for number, blows in enumerate(self.runs, 1)]
        faults = [f"fault: {fault}" for fault in self.faults]
        deeds = [f"after {at:.0f} s somebody: {deed.__name__}" for at, deed in self.deeds]
        return [
            *runs,
            *faults,
            *deeds,
            *(["then the plan is taken back"] if self.rolls_back else []),
            *(["all toolstacks were started a minute ago"] if self.is_young else []),
        ]


def drawn(chance: Random, place: Situation) -> Weather:
    """The weather of one storm over a place; some of it is fine."""
    plan = place.plan
    count = chance.choice([1, 1, 2, 2, 3])
    faults = chance.choice([0, 0, 1, 1, 2])
    deeds = chance.choice([0, 0, 0, 1, 2])
    return Weather(
        runs=tuple(tuple(_blow(chance, plan) for _ in range(chance.choice([1, 1, 2]))) for _ in range(count)),
        pauses=tuple(chance.choice([0.0, 1.0, 20.0, 200.0]) for _ in range(count)),
        faults=tuple(_fault(chance, place) for _ in range(faults)),
        deeds=tuple((chance.uniform(0, LATEST_SECONDS), chance.choice(DEEDS)) for _ in range(deeds)),
        rolls_back=chance.random() < 0.2,
        is_young=chance.random() < 0.2,
    )


def _blow(chance: Random, plan: Plan) -> Blow:
    make = chance.choices(BLOWS, weights=WEIGHTS)[0]
    return make(chance, _point(chance, plan))


def _point(chance: Random, plan: Plan) -> Point:
    """A call that moves a VM, a line, or any call."""
    drawn_ = chance.random()
    if drawn_ < 0.35:
        step = chance.randrange(len(plan.steps))
        with_disks = bool(plan.steps[step].disks or plan.steps[step].crossing)
        nth = 1 + sum(bool(each.disks or each.crossing) == with_disks for each in plan.steps[:step])
        return Point(kind=CALL, name=MOVE[with_disks], nth=nth, side=chance.choice([BEFORE, AFTER]))
    if drawn_ < 0.7:
        name = chance.choice(LINES)
        most = 1 if name.startswith("run") else len(plan.steps) if name else 3 * len(plan.steps) + 2
        return Point(kind=LINE, name=name, nth=chance.randint(1, most), side=chance.choice([BEFORE, HALF, AFTER]))
    return Point(kind=CALL, name="", nth=chance.randint(1, MOST_CALLS), side=chance.choice([BEFORE, AFTER]))


def _killed(_chance: Random, point: Point) -> Blow:
    def strike(executor: Executor) -> None:
        executor.die()
        raise Killed

    return Blow(point=point, words="killed", strike=strike)


def _cut_off(chance: Random, point: Point) -> Blow:
    seconds, side = chance.choice([0.05, 2.0, 20.0, 120.0, 1000.0]), chance.choice([BEFORE, AFTER])

    def strike(executor: Executor) -> None:
        executor.cut_until, executor.cut_side = executor.clock.monotonic() + seconds, side

    what = "its requests lost" if side == BEFORE else "the answers lost"
    return Blow(point=point, words=f"{what} for {seconds:g} s", strike=strike)


def _late(chance: Random, point: Point) -> Blow:
    """The request is on its way when its sender dies or gives up, and arrives later."""
    seconds, dies = chance.choice([0.1, 1.0, 5.0, 20.0]), chance.random() < 0.5
    name = point.name if point.name in MOVE.values() else MOVE[False]

    def strike(executor: Executor) -> None:
        executor.late_by = seconds
        executor.alive = executor.alive and not dies
        if dies:
            executor.run.died = executor.clock.monotonic()

    there = Point(kind=CALL, name=name, nth=min(point.nth, 4), side=BEFORE)
    return Blow(point=there, words=f"{'killed' if dies else 'cut off'}, its request {seconds:g} s late", strike=strike)


def _disk_full(chance: Random, point: Point) -> Blow:
    seconds = chance.choice([1.0, 30.0, 1e6])

    def strike(executor: Executor) -> None:
        executor.full_until = executor.clock.monotonic() + seconds

    return Blow(point=point, words=f"the disk full for {seconds:g} s", strike=strike)


def _asked(chance: Random, point: Point) -> Blow:
    times = chance.choice([1, 1, 2])

    def strike(executor: Executor) -> None:
        for _ in range(times):
            executor.stop.ask()
        executor.run.asked_to_stop = executor.clock.monotonic()

    return Blow(point=point, words=f"asked to stop, {times} times", strike=strike)


def _clock_set(chance: Random, point: Point) -> Blow:
    seconds = chance.choice([-7200.0, -60.0, 300.0, 7200.0])

    def strike(executor: Executor) -> None:
        executor.clock.ahead += seconds

    return Blow(point=point, words=f"its clock set by {seconds:+.0f} s", strike=strike)


BLOWS: tuple[Callable[[Random, Point], Blow], ...] = (_killed, _cut_off, _late, _disk_full, _asked, _clock_set)
WEIGHTS = (50, 20, 8, 8, 8, 6)


def _fault(chance: Random, place: Situation) -> Fault:
    """A fault in the first of the pools, of any kind that there is; often in the migration of a VM of the plan."""
    fault = draw(chance, place.pools[0].records)
    if fault.settings.get("form") in {"deep", "long"}:  # they cost much, and break off no sooner than others
        return replace(fault, settings={**fault.settings, "form": "html"})
    if FAULTS[fault.kind].occasion in {Occasion.POOL, Occasion.MOVE} and not fault.after and chance.random() < 0.6:
        return replace(fault, about={**fault.about, "vm": chance.choice(place.plan.steps).vm}, skip=0)
    return fault


def let_start(simulator: Simulator, seconds_ago: float) -> None:
    """Let the toolstacks of all hosts have been started so long ago."""
    database, at = simulator.database, simulator.world.clock() - seconds_ago
    for ref, host in database.items("host"):
        database.change("host", ref, other_config={**host["other_config"], "agent_start_time": f"{at:.0f}."})


def arm(simulator: Simulator, faults: Sequence[Fault], judge: Judge, time: VirtualTime) -> None:
    """Let *faults* wait in a pool; what they do there, others have done."""
    world = simulator.world
    world.faults = Faults({name: _by_others(kind, judge) for name, kind in FAULTS.items()}, time.monotonic)
    for fault in faults:
        world.faults.want(fault)


def _by_others(kind: FaultKind, judge: Judge) -> FaultKind:
    """*kind*, whose effect the judge does not take for the run's."""
    effect = kind.effect
    if effect is None or kind.occasion not in {Occasion.POOL, Occasion.MOVE}:
        return kind

    def told(world: World, *about: Any) -> Any:  # noqa: ANN401 - as effects have it
        with judge.others():
            return effect(world, *about)

    return replace(kind, effect=told)

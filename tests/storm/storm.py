"""One storm: a situation, weather, processes that carry a plan out in it, and a person who does what they say."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from rebalancer.plan import Plan
from tests.storm.outsiders import Outsider
from tests.storm.person import look_after
from tests.storm.seams import storm_seams
from tests.storm.situations import MANY, Situation, situation
from tests.storm.stage import Stage
from tests.storm.weather import Blow, Weather, arm, drawn, let_start

SHM = Path("/dev/shm")  # noqa: S108 - a folder in memory, where there is one
YOUNG_SECONDS = 60.0
REST_SECONDS = 120.0
"""How long after the weather nobody does anything."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of a storm: what is wrong, how each run ended, and everything that happened, in words."""

    name: str
    words: list[str]
    found: list[str]
    last: str
    ends: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    kills: int = 0
    moves: int = 0


def storm(seed: int, number: int, *, pair: bool = False) -> Outcome:
    """The storm of that seed and number, the same whenever it is asked for; as a *pair* two people begin the plan."""
    place = situation(seed, number % MANY)
    chance = Random(f"{'pair' if pair else 'storm'} {seed} {number}")
    weather = drawn(chance, place)
    with tempfile.TemporaryDirectory(dir=SHM if SHM.is_dir() else None) as folder:
        stage = Stage(place, chance, Path(folder))
        with storm_seams(stage.ways, stage.record, chance):
            last = _weathered(stage, weather, chance, pair=pair)
    return _outcome(f"{seed}:{number}", place, weather, stage, last)


def _weathered(stage: Stage, weather: Weather, chance: Random, *, pair: bool) -> str:
    """Let the storm rage and pass, and a person look after what is left; how that ended."""
    stage.judge.begin()
    for simulator, faults in zip(stage.simulators, (weather.faults, ()), strict=False):
        arm(simulator, faults, stage.judge, stage.time)
        if weather.is_young:
            let_start(simulator, YOUNG_SECONDS)
    for at, deed in weather.deeds:
        stage.time.start(partial(_later, stage, at, deed, chance))
    plan = _two_runs(stage, weather, chance) if pair else _runs(stage, weather)
    stage.time.sleep(REST_SECONDS)
    stage.calm()
    last = look_after(stage, plan)
    stage.time.sleep(REST_SECONDS)
    stage.conduct.at_the_end()
    stage.close()
    return last


def _later(stage: Stage, at: float, deed: Callable[[Outsider, Random], None], chance: Random) -> None:
    stage.time.sleep(at)
    deed(chance.choice(stage.others), chance)


def _runs(stage: Stage, weather: Weather) -> Plan:
    """One run after the other; the plan that the last one was of."""
    plan = stage.plan
    for number, (blows, pause) in enumerate(zip(weather.runs, weather.pauses, strict=True), 1):
        run = stage.carry_out(f"run {number}", plan, blows)
        stage.time.sleep(pause)
        if run.end.startswith("0 COMPLETE"):
            break
    if weather.rolls_back and (back := stage.way_back()):
        plan = back
        stage.carry_out("the way back", plan, weather.runs[0])
    return plan


def _two_runs(stage: Stage, weather: Weather, chance: Random) -> Plan:
    """Two people begin the plan at nearly the same moment, each with a state folder of their own."""

    def begin(name: str, seconds: float, blows: tuple[Blow, ...]) -> None:
        stage.time.sleep(seconds)
        stage.process(stage.new_run(name, stage.plan, stage.folder / name), blows)

    waits = chance.choice([0.0, 0.5, 5.0, 30.0]), chance.choice([0.0, 0.01, 0.5])
    blows = [weather.runs[0] if chance.random() < 0.4 else () for _ in waits]
    stage.wait_for(*(partial(begin, *each) for each in zip(("state", "other"), waits, blows, strict=True)))
    return stage.plan


def _outcome(name: str, place: Situation, weather: Weather, stage: Stage, last: str) -> Outcome:
    return Outcome(
        name=name,
        words=[place.words, *weather.told()],
        found=stage.judge.found,
        last=last,
        ends=[run.end.partition(":")[0] for run in stage.record.runs],
        story=list(stage.record.told()),
        kills=sum(run.died is not None for run in stage.record.runs),
        moves=sum(call.arrived is not None for call in stage.record.calls()),
    )

"""One storm over the work on all hosts: processes die, hosts do not come back, and a person sees to it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from rebalancer.face.rolling.trace import Event
from rebalancer.simulator.migration import boots
from tests.storm.blows import Strike, blows
from tests.storm.executor import AFTER, BEFORE, CALL, HALF, LINE, Executor, Point
from tests.storm.rolling.changes import changed, moved, takes, vms_on
from tests.storm.rolling.conduct import SHUT_DOWN, START
from tests.storm.rolling.scene import NEWER
from tests.storm.rolling.stage import REBOOT, TRACE, Stage, staged
from tests.storm.storm import SHM

MANY = 40
"""Storm *n* begins in pool *n* modulo this many, so that stages are planned once and serve many storms."""
CHANGED = 4
"""In one of so many storms others move VMs, and shut some down, while the work goes on."""
MOST_CHANGES = 3
HELD = (0, 1, 4)
"""How many VMs cannot leave their host, pool after pool; of four, some are of one host."""
ROUNDS = 8
"""How often the person tries."""
LONG_SECONDS = 900.0
FAULTS = (
    "boot-fails",
    "boots-slowly:seconds=600",
    "boots-slowly:seconds=3000",
    "comes-back-old",
    "comes-back-unplugged",
    "comes-back-disabled",
)
OF_PINNED = ("shutdown-ignored", "start-fails", "shuts-down-slowly", "starts-slowly")
"""What goes wrong with VMs that are shut down meanwhile."""
CALLS = (REBOOT, "host.disable", "host.enable", "Async.VM.pool_migrate", "event.from", "")
OF_PINNED_CALLS = (f"Async.{SHUT_DOWN}", f"Async.{START}", "VM.set_ha_restart_priority", "VM.get_record")
SHARE = 0.6
"""Of storms over pinned VMs, in which something goes wrong with one of them."""
LINES = ("intended", "looked", "run-ended")


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of a storm: what is wrong, how each process ended, and everything that happened, in words."""

    name: str
    words: list[str]
    found: list[str]
    ends: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)


def rolling_storm(seed: int, number: int) -> Outcome:
    """The storm of that seed and number, the same whenever it is asked for."""
    chance = Random(f"rolling storm {seed} {number}")
    version, pinned = NEWER if number % 2 else None, HELD[number % MANY // 2 % len(HELD)]
    with (
        tempfile.TemporaryDirectory(dir=SHM if SHM.is_dir() else None) as folder,
        staged(
            Path(folder), seed=number % MANY, version=version, hosts=chance.choice([0, 0, 1, 2]), pinned=pinned
        ) as stage,
    ):
        words = [f"faults: {', '.join(_faults(stage, chance)) or 'none'}"]
        others = _others(stage, seed, number, words)
        ends = [stage.run(*others, *_blows(chance, words))]
        for _ in range(chance.choice([0, 0, 1, 2, 4])):
            if not ends[-1].startswith("0"):
                ends.append(stage.run(*others, *_blows(chance, words)))
        calm = len(ends) + chance.choice([0, 3])
        while not ends[-1].startswith("0") and len(ends) < ROUNDS + 5:
            if len(ends) >= calm:
                stage.simulator.faults.clear()
            see_to_it(stage, ends[-1])
            ends.append(stage.run(anew=tried_in_vain(ends)))
        stage.time.sleep(LONG_SECONDS)
        if not ends[-1].startswith("0"):
            stage.blame(f"dead end: {ends[-1]}")
        stage.judge_the_end()
    story = [*ends, *stage.record.told(), *(f"{line.at:%H:%M:%S} {line.event} {line.stage}" for line in stage.lines)]
    return Outcome(name=f"{seed}:{number}", words=words, found=stage.found, ends=ends, story=story)


def _faults(stage: Stage, chance: Random) -> list[str]:
    """What goes wrong with which host that goes down, and with which VM that is shut down meanwhile."""
    pinned = [each.vm_name for planned in stage.plans.stages for each in planned.shut_down]
    found = [f"{chance.choice(OF_PINNED)}:vm={chance.choice(pinned)}"] if pinned and chance.random() < SHARE else []
    for _ in range(chance.choice([0, 1, 1, 2])):
        kind, _, settings = chance.choice(FAULTS).partition(":")
        name = chance.choice(stage.plans.hosts)
        found.append(f"{kind}:host={name}{',' if settings else ''}{settings}")
    for fault in found:
        stage.simulator.go_wrong(fault)
    return found


def _others(stage: Stage, seed: int, number: int, words: list[str]) -> list[Strike]:
    """What others do to the pool between two stages, in one storm of `CHANGED`; stages are planned anew then.

    Chance is its own here: what befalls the processes is the same with others and without.
    """
    if number % CHANGED:
        return []
    chance = Random(f"others {seed} {number}")
    rolling = stage.policy.rolling.model_copy(update={"plan_anew": True})
    stage.policy = stage.policy.model_copy(update={"rolling": rolling})
    happened: list[str] = []

    def strike(_executor: Executor) -> None:
        if len(happened) < MOST_CHANGES:
            happened.append(changed(stage, chance))
            words.append(f"others: {happened[-1]}")

    lines = chance.sample([Event.DONE, Event.STAGE, Event.EMPTY, Event.SENT, Event.BACK], 2)
    return [(Point(kind=TRACE, name=each, nth=chance.randint(1, 3), side=AFTER), strike) for each in lines]


def _blows(chance: Random, words: list[str]) -> list[Strike]:
    """What befalls a process, and where."""
    found = blows(chance, _point)
    words.append(f"a process: {', '.join(what for what, _ in found) or 'fine'}")
    return [strike for _, strike in found]


def _point(chance: Random) -> Point:
    kind = chance.choice([TRACE, TRACE, CALL, LINE])
    sides = [BEFORE, AFTER] if kind == CALL else [BEFORE, HALF, AFTER]
    calls = chance.choice([CALLS, CALLS, OF_PINNED_CALLS])
    names = {TRACE: [each.value for each in Event], CALL: calls, LINE: LINES}[kind]
    name, side = chance.choice(names), chance.choice(sides)
    if kind == TRACE and side == HALF:
        name = "line"
    return Point(kind=kind, name=name, nth=chance.randint(1, 4 if name else 200), side=side)


def see_to_it(stage: Stage, end: str) -> None:
    """Do what the message says, as somebody does who stands beside the hosts."""
    remedies: dict[str, Callable[[Stage, str], None]] = {"runs platform version": _reboot, "is not plugged": _plug}
    remedies["HOST_NOT_ENOUGH_FREE_MEMORY"] = _make_room
    for words, remedy in remedies.items():
        if words in end:
            remedy(stage, end)
    for host in sorted(stage.simulator.world.down - stage.simulator.world.booting):
        boots.boot(stage.simulator.world, host)
    stage.time.sleep(LONG_SECONDS)


def tried_in_vain(ends: Sequence[str]) -> bool:
    """Whether somebody who has typed the same again types `--anew` next: a plan is stale, and stays so."""
    return len(ends) > 1 and ends[-1] == ends[-2] and "stale plan: " in ends[-1]


def _named(stage: Stage, end: str) -> list[str]:
    hosts = stage.simulator.database.items("host")
    return [ref for ref, host in hosts if host["name_label"] in end.split()]


def _reboot(stage: Stage, end: str) -> None:
    for host in _named(stage, end):
        stage.reboot(host)


def _make_room(stage: Stage, end: str) -> None:
    """Move away whom others have brought to a host that has no room for a VM that was off meanwhile."""
    for host in _named(stage, end.replace(":", " ")):
        name = stage.simulator.database.get("host", host)["name_label"]
        for vm in vms_on(stage, name):
            rooms = [each for each in _hosts(stage) if each != name and takes(stage, stage.host(each), vm)]
            if stage.simulator.database.get("VM", vm)["uuid"] in stage.elsewhere and rooms:
                moved(stage, vm, rooms[0])


def _hosts(stage: Stage) -> list[str]:
    return sorted(host["name_label"] for _, host in stage.simulator.database.items("host"))


def _plug(stage: Stage, end: str) -> None:
    for host in _named(stage, end):
        stage.plug(host)

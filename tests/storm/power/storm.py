"""One storm over hosts that sleep and wake: processes die, hosts do not come back, and others use the pool, too."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from rebalancer.execute import HostStage
from rebalancer.simulator.migration import boots
from tests.storm.blows import Strike, blows
from tests.storm.executor import AFTER, BEFORE, CALL, HALF, LINE, Executor, Point
from tests.storm.power.scene import Wishes
from tests.storm.power.stage import NOTE, Stage, staged
from tests.storm.record import Deed
from tests.storm.rolling.storm import Outcome
from tests.storm.storm import SHM

MANY = 40
"""Storm *n* begins in pool *n* modulo this many."""
ROUNDS = 8
"""How often the person tries at the end."""
LONG_SECONDS = 1200.0
HOURS = (0.1, 1.0, 3.0, 6.0)
"""How long it is from one command to the next."""
LEVELS = (0.3, 0.6, 1.2, 2.0)
"""PCPUs of each VM in busy hours."""
FAULTS = (
    "boot-fails",
    "boots-slowly:seconds=400",
    "boots-slowly:seconds=3000",
    "comes-back-unplugged",
    "comes-back-disabled",
)
OF_CALLS = (
    "refused:method=host.shutdown,code=HOST_IN_EMERGENCY_MODE",
    "refused:method=host.power_on,code=HOST_POWER_ON_MODE_DISABLED",
    "refused:method=host.disable,code=HOST_IS_LIVE",
    "no-answer:method=host.shutdown,seconds=30",
    "no-answer:method=host.power_on,seconds=30",
)
CALLS = ("host.shutdown", "host.power_on", "host.disable", "host.enable", "Async.VM.pool_migrate", "")
LINES = ("intended", "looked", "run-ended")
Act = Callable[[Stage, Random], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerOutcome:
    """What came of a storm, and how many hosts were switched off in it."""

    outcome: Outcome
    switched_off: int


def power_storm(seed: int, number: int) -> PowerOutcome:
    """The storm of that seed and number, the same whenever it is asked for."""
    chance = Random(f"power storm {seed} {number}")
    wishes = Wishes(spare=number % 4 == 1, ha=number % 4 == 2, margin=chance.choice([0, 0, 1]))
    with (
        tempfile.TemporaryDirectory(dir=SHM if SHM.is_dir() else None) as folder,
        staged(Path(folder), wishes, seed=number % MANY) as stage,
    ):
        words = [str(wishes), f"faults: {', '.join(_faults(stage, chance)) or 'none'}"]
        ends: list[str] = []
        for _ in range(chance.randint(3, 7)):
            ends.append(_command(stage, chance, words))
            stage.time.sleep(3600.0 * chance.choice(HOURS))
            stage.level = chance.choice(LEVELS)
        ends += [f"wake: {end}" for end in _all_woken(stage)]
        stage.time.sleep(LONG_SECONDS)
        stage.judge_the_end()
        story = [*ends, *stage.record.told(), *(f"{each.at:%H:%M:%S} {each.stage} {each.host}" for each in stage.notes)]
    outcome = Outcome(name=f"{seed}:{number}", words=words, found=stage.judge.found, ends=ends, story=story)
    return PowerOutcome(outcome=outcome, switched_off=stage.conduct.switched_off)


def _command(stage: Stage, chance: Random, words: list[str]) -> str:
    """Type one command, whose process may be struck, and judge what it left behind."""
    if chance.random() < 0.3:
        act = chance.choice(ACTS)
        words.append(_done(stage, act, chance))
    blows = _blows(stage, chance, words)
    if chance.random() < 0.6:
        return f"sleep: {stage.sleep(*blows)}"
    end = stage.wake(*blows)
    if end.startswith("0"):
        stage.judge_who_is_awake()
    return f"wake: {end}"


def _all_woken(stage: Stage) -> list[str]:
    """Have everybody woken, by a person who does what the messages say; how each attempt ended."""
    stage.simulator.faults.clear()
    pools = stage.simulator.database.all("pool")
    for ref in pools:
        stage.simulator.database.change("pool", ref, tags=[])
    ends = [stage.wake(everyone=True)]
    while not ends[-1].startswith("0") and len(ends) < ROUNDS:
        _see_to_it(stage, ends[-1])
        ends.append(stage.wake(everyone=True))
    if not ends[-1].startswith("0"):
        stage.blame(f"dead end: {ends[-1]}")
    return ends


def _see_to_it(stage: Stage, end: str) -> None:
    """Do what the message says, as somebody does who stands beside the hosts."""
    world, database = stage.simulator.world, stage.simulator.database
    for ref, host in database.items("host"):
        if host["name_label"] not in end.split():
            continue
        if "look at its console" in end and ref in world.down - world.booting:
            boots.boot(world, ref)
        for pbd, record in database.items("PBD") if "plug it" in end else ():
            if record["host"] == ref:
                database.change("PBD", pbd, currently_attached=True)
    stage.time.sleep(LONG_SECONDS)


def _faults(stage: Stage, chance: Random) -> list[str]:
    """What goes wrong with hosts that boot, and with calls."""
    found = []
    hosts = [host["name_label"] for _, host in stage.simulator.database.items("host")]
    for _ in range(chance.choice([0, 1, 1, 2])):
        kind, _, settings = chance.choice(FAULTS).partition(":")
        found.append(f"{kind}:host={chance.choice(hosts)}{',' if settings else ''}{settings}")
    found += chance.sample(OF_CALLS, chance.choice([0, 0, 1, 2]))
    for each in found:
        stage.simulator.go_wrong(each)
    return found


def _blows(stage: Stage, chance: Random, words: list[str]) -> list[Strike]:
    """What befalls a process, and where."""
    found = blows(chance, _point)
    if chance.random() < 0.2:
        found.append(_meanwhile(stage, chance))
    words.append(f"a process: {', '.join(what for what, _ in found) or 'fine'}")
    return [strike for _, strike in found]


def _point(chance: Random) -> Point:
    kind = chance.choice([NOTE, NOTE, CALL, CALL, LINE])
    sides = [BEFORE, AFTER] if kind == CALL else [BEFORE, HALF, AFTER]
    names = {NOTE: [each.value for each in HostStage], CALL: CALLS, LINE: LINES}[kind]
    name, side = chance.choice(names), chance.choice(sides)
    if kind == NOTE and side == HALF:
        return Point(kind=NOTE, name="line", nth=chance.randint(1, 6), side=HALF)
    return Point(kind=kind, name=name, nth=chance.choice([1, 1, 2]) if name else chance.randint(1, 30), side=side)


def _meanwhile(stage: Stage, chance: Random) -> tuple[str, Strike]:
    """Others do something while the process is at a point."""
    point, act = _point(chance), chance.choice(ACTS)

    def strike(_executor: Executor) -> None:
        _done(stage, act, chance)

    return f"somebody {act.__name__.strip('_').replace('_', ' ')} {point}", (point, strike)


def _done(stage: Stage, act: Act, chance: Random) -> str:
    """Let others do something; what they did."""
    with stage.judge.others():
        words = f"somebody {act(stage, chance)}"
    stage.record.events.append(Deed(at=stage.time.monotonic(), words=words))
    return words


def moves_a_vm(stage: Stage, chance: Random, wanted: str = "") -> str:
    """A VM is on another host all at once, on that *wanted* by its ref if any; no host becomes empty by it."""
    database = stage.simulator.database
    on = {vm: record["resident_on"] for vm, record in database.items("VM") if _may_be_moved(record)}
    shared = [vm for vm, host in on.items() if list(on.values()).count(host) > 1]
    hosts = [ref for ref, host in database.items("host") if host["enabled"] and ref in stage.judge.live()]
    if not shared:
        return "looks at the pool"
    vm, target = chance.choice(sorted(shared)), wanted or chance.choice(sorted(hosts))
    with database.lock:
        for ref in {on[vm], target}:
            there = [each for each in database.get("host", ref)["resident_VMs"] if each != vm]
            database.change("host", ref, resident_VMs=[*there, vm] if ref == target else there)
        database.change("VM", vm, resident_on=target)
    return f"moves a VM to {stage.name(target)}"


def _may_be_moved(vm: dict[str, object]) -> bool:
    return vm["power_state"] == "Running" and not vm["is_control_domain"] and not vm["current_operations"]


def _enables_a_host(stage: Stage, chance: Random) -> str:
    """A host that is up and disabled is enabled."""
    database = stage.simulator.database
    rows = [ref for ref, host in database.items("host") if ref in stage.judge.live() and not host["enabled"]]
    if not rows:
        return "looks at the pool"
    host = chance.choice(sorted(rows))
    database.change("host", host, enabled=True)
    return f"enables {stage.name(host)}"


def _switches_a_host_on(stage: Stage, chance: Random) -> str:
    """A host that is off boots, by the button on its front."""
    world = stage.simulator.world
    if not (off := sorted(world.down - world.booting)):
        return "looks at the pool"
    host = chance.choice(off)
    boots.boot(world, host)
    return f"switches {stage.name(host)} on"


def _holds_the_pool(stage: Stage, _chance: Random) -> str:
    """The pool carries the tag, or no longer."""
    ((ref, pool),) = stage.simulator.database.items("pool")
    stage.simulator.database.change("pool", ref, tags=[] if pool["tags"] else ["rebalancer:hold"])
    return "takes the tag off that holds the pool" if pool["tags"] else "tags the pool, so that it is held"


ACTS: tuple[Act, ...] = (moves_a_vm, moves_a_vm, _enables_a_host, _switches_a_host_on, _holds_the_pool)

"""An update rolled out over a whole pool while processes die and every fault of hosts and pinned VMs strikes once.

Each process types the same command again: it goes on, or stops with what is in the way, and a person sees to that.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import rebalancer as rb
from rebalancer.face.rolling.downtime import downtimes
from rebalancer.face.rolling.kept import KeptRolling
from rebalancer.simulator.state.fault import Fault
from tests.storm.blows import Strike, kill
from tests.storm.executor import AFTER, BEFORE, CALL, HALF, LINE, Point
from tests.storm.rolling.scene import Scene
from tests.storm.rolling.stage import TRACE, Stage
from tests.storm.rolling.storm import LONG_SECONDS, see_to_it
from tests.storm.situations import BEGINS
from tests.storm.storm import SHM

MOST = 200
"""Processes at most."""
EARLY = 0.9
"""Kills are drawn so that they are over by this part of what is left, so that none is left over."""
SPOTS: Mapping[str, Sequence[str]] = {CALL: (BEFORE, AFTER), LINE: (BEFORE, HALF, AFTER), TRACE: (BEFORE, HALF, AFTER)}
WEIGHTS = (3, 1, 1)
DONE, KILLED, STOPPED, LOST, LEFT = "0 done", "killed", "5 ", "1 ", "9 steps done"
UNHEARD = "an earlier run ended before it heard whether XAPI had taken the call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A fault, and the words one of which a process says that it stops; none where it stops nothing.

    Args:
        kind: of the fault, with its settings.
        words: `{name}` is that of the host or VM that it strikes.
        lasts: whether it is there until somebody mends it, so that it is told even after a kill.
    """

    kind: str
    words: tuple[str, ...] = ()
    lasts: bool = True


AWAY = ("does not see {name} live", "the pool does not answer")
OF_HOSTS = (
    Trouble(kind="boot-fails", words=AWAY),
    Trouble(kind="boots-slowly:seconds=600"),
    Trouble(kind="boots-slowly:seconds=4000", words=AWAY),
    Trouble(kind="comes-back-old", words=("{name} runs platform version 3.4.0, not 99.0.0",)),
    Trouble(kind="comes-back-unplugged", words=("storage that {name} had is not plugged",)),
    Trouble(kind="comes-back-disabled"),
)
OF_PINNED = (
    Trouble(kind="shutdown-ignored", words=("{name} does not shut down",), lasts=False),
    Trouble(kind="start-fails", words=("{name} does not start on",), lasts=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """A trouble, whom it was meant for, whether it came, and whether somebody was told of it."""

    trouble: Trouble
    name: str
    came: bool
    told: bool

    @property
    def is_right(self) -> bool:
        """Whether it came, and was told where it has to be."""
        return self.came and (self.told or not self.trouble.words or not self.trouble.lasts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """What came of it.

    Args:
        scene: where.
        ends: how each process ended.
        struck: what went wrong on purpose.
        found: what was wrong, in words.
        moves: migrations that began.
        rebooted: how often each host was told to, by name.
        off: for how many seconds each VM was off that cannot leave its host, by uuid, as the pool showed it.
        told: likewise, as the product tells.
        estimated: likewise, of all together, as the stages say.
        seconds: of the pool's time that it took.
        points: how many calls and lines there were.
    """

    scene: Scene
    ends: tuple[str, ...]
    struck: tuple[Struck, ...]
    found: tuple[str, ...]
    moves: int
    rebooted: Mapping[str, int]
    off: Mapping[str, float]
    told: Mapping[str, float]
    estimated: float
    seconds: float
    points: Mapping[str, int]

    @property
    def kills(self) -> int:
        """How many processes were killed."""
        return self.ends.count(KILLED)


def roll_out(
    scene: Scene, wanted: rb.Policy, *, seed: int = 1, kills: int = 0, points: Mapping[str, int] | None = None
) -> Rollout:
    """Update all hosts of *scene*; with *kills*, processes die so often, and each trouble strikes once.

    Args:
        scene: a pool, and the stages that it goes through.
        wanted: the policy.
        seed: of the chance.
        kills: how many.
        points: how many calls and lines there are in a rollout that nobody disturbs: kills are that far apart.
    """
    chance = Random(f"rollout {seed}")
    with tempfile.TemporaryDirectory(dir=SHM if SHM.is_dir() else None) as folder:
        stage = Stage(Path(folder), scene, wanted, seed=seed)
        meant = dict(_meant(scene, chance)) if kills else {}
        with stage.opened():
            wanted_faults = [_wanted(stage, trouble, name) for trouble, name in meant.items()]
            ends = tuple(_processes(stage, chance, kills, points or {}, meant))
            stage.time.sleep(LONG_SECONDS)
            stage.judge_the_end()
            struck = tuple(_struck(stage, meant, wanted_faults, ends))
            (kept,) = (Path(folder) / "rolling").iterdir()
            told = {each.vm: each.seconds for each in downtimes(KeptRolling(folder=kept), BEGINS)}
            stage.close()
    return Rollout(
        scene=scene,
        ends=ends,
        struck=struck,
        found=tuple(stage.found),
        moves=sum(call.arrived is not None for call in stage.record.calls()),
        rebooted=stage.conduct.rebooted,
        off=stage.judge.downtimes(),
        told=told,
        estimated=sum(each.seconds for planned in scene.plans.stages for each in planned.shut_down),
        seconds=stage.time.monotonic() - LONG_SECONDS,
        points=stage.points(),
    )


def _meant(scene: Scene, chance: Random) -> Iterator[tuple[Trouble, str]]:
    """Whom each trouble strikes: a host each, and VMs that are shut down."""
    pinned = [each.vm_name for stage in scene.plans.stages for each in stage.shut_down]
    yield from zip(OF_HOSTS, chance.sample(scene.plans.hosts, min(len(OF_HOSTS), len(scene.plans.hosts))), strict=False)
    yield from zip(OF_PINNED, chance.sample(pinned, min(len(OF_PINNED), len(pinned))), strict=False)


def _processes(
    stage: Stage, chance: Random, kills: int, points: Mapping[str, int], meant: Mapping[Trouble, str]
) -> Iterator[str]:
    """One after the other until all is done, each with how it ended."""
    end, died = "", False
    steps = sum(len(each.plan.steps) for each in stage.plans.stages)
    for _ in range(MOST):
        left = 1 - sum(call.arrived is not None for call in stage.record.calls()) / steps
        end = stage.run(*[_killed(chance, left, kills, points)] if kills else [])
        kills -= end == KILLED
        if end not in {DONE, KILLED} and not _is_explained(stage, end, meant, died=died):
            stage.blame(f"nobody knows why: {end}")
        died = died or end == KILLED
        yield end
        if end == DONE:
            return
        if end != KILLED:
            see_to_it(stage, end)
    stage.blame(f"dead end: {end}")


def _killed(chance: Random, left: float, kills: int, points: Mapping[str, int]) -> Strike:
    """The next kill, where *left* is what part of the way there is still to go, for so many *kills*."""
    (kind,) = chance.choices(list(SPOTS), WEIGHTS)
    side = chance.choice(SPOTS[kind])
    most = 2 * EARLY * left * points[kind] / (kills + 1)
    name = "line" if (kind, side) == (TRACE, HALF) else ""
    return kill(Point(kind=kind, name=name, nth=chance.randint(1, max(1, round(most))), side=side))


def _is_explained(stage: Stage, end: str, meant: Mapping[Trouble, str], *, died: bool) -> bool:
    """Whether *end* says what is in the way, and that is so.

    A trouble of ours, a coordinator that is away, or a call that a process that *died* had announced and never sent.
    """
    if end.startswith(STOPPED):
        return any(_tells(end, trouble, name) for trouble, name in meant.items())
    if end.startswith(LEFT):
        return died and UNHEARD in end
    return end.startswith(LOST) and stage.simulator.world.coordinator in stage.simulator.world.down


def _tells(end: str, trouble: Trouble, name: str) -> bool:
    return any(words.format(name=name) in end for words in trouble.words)


def _wanted(stage: Stage, trouble: Trouble, name: str) -> Fault:
    """The fault that strikes a host or VM of that name, from now on wanted."""
    about = "host" if trouble in OF_HOSTS else "vm"
    kind, _, settings = trouble.kind.partition(":")
    stage.simulator.go_wrong(f"{kind}:{about}={name}{',' if settings else ''}{settings}")
    return stage.simulator.faults.waiting[-1]


def _struck(
    stage: Stage, meant: Mapping[Trouble, str], wanted: Sequence[Fault], ends: Sequence[str]
) -> Iterator[Struck]:
    struck = [(each.kind, each.about) for each in stage.simulator.faults.struck]
    for (trouble, name), fault in zip(meant.items(), wanted, strict=True):
        told = any(_tells(end, trouble, name) for end in ends)
        yield Struck(trouble=trouble, name=name, came=(fault.kind, fault.about) in struck, told=told)

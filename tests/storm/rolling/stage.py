"""Where all hosts of a small pool are worked on in virtual time, by processes that come, go on, and go or die."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random

import pytest

import rebalancer as rb
from rebalancer.cli.exits import Exit
from rebalancer.execute import RunResult, pool_lock
from rebalancer.export import read_plan
from rebalancer.face.rolling import trace as traces
from rebalancer.face.rolling.course import Course
from rebalancer.face.rolling.given_up import give_up
from rebalancer.face.rolling.kept import KeptRolling
from rebalancer.face.rolling.means import ByPeople, ByXapi
from rebalancer.face.rolling.site import PoolDoor, Progress, Site
from rebalancer.face.rolling.take_back import HOME, take_back
from rebalancer.face.rolling.trace import Entry, Event, Trace
from rebalancer.files.writing import add_line
from rebalancer.plan import Plan
from rebalancer.policy import DemandPolicy
from rebalancer.simulator import Simulator
from rebalancer.simulator.migration import boots
from rebalancer.simulator.migration.boots import go_down
from rebalancer.simulator.state.world import World
from rebalancer.whatif.itinerary import Purpose
from tests.storm.blows import Strike
from tests.storm.executor import (
    AFTER,
    BEFORE,
    CALL,
    HALF,
    LINE,
    Executor,
    Killed,
    this_executor,
)
from tests.storm.hosts_stage import HostsStage
from tests.storm.judge import WatchedTime
from tests.storm.places import Places
from tests.storm.rolling.conduct import AUTO, Conduct, Watch
from tests.storm.rolling.scene import NEWER, Scene, policy, small_scene
from tests.storm.seams import storm_seams
from tests.storm.situations import BEGINS
from tests.storm.ways import Ways

TRACE = "trace"
"""The kind of point that a line of the trace is."""
REBOOT = "Async.host.reboot"


class Stage(HostsStage):
    """A pool, its itinerary, and everything that is known of what happens there."""

    judge: Watch

    def __init__(self, folder: Path, scene: Scene, wanted: rb.Policy, *, seed: int = 1) -> None:
        super().__init__(folder, WatchedTime(BEGINS.timestamp()))
        self.policy, self.plans, self.version = wanted, scene.plans, scene.version
        self.simulator = Simulator(scene.pool, timing=self.time, login_delay=0.0, update=scene.version or "")
        places = Places([self.simulator.database], self.plans.stages[0].plan)
        self.judge = Watch(self.simulator, places, self.time, self.record)
        self.conduct = Conduct(self.simulator, scene, self.judge, self._made_anew)
        self.ways = Ways([self.simulator], self.time, Random(seed), self.record, self.conduct)  # type: ignore[arg-type]  # a judge of calls, as it is one
        self.before, self.settings = self.homes(), self._settings()
        self.ends = self.before | {each.vm: self._uuid(each.ends_on_name) for each in self.plans.deviations}
        self.left: list[str] = []
        self.gave_up = False
        self.asks_people, self.any_time = False, False
        self.elsewhere: dict[str, set[str]] = {}
        self.astray: tuple[str, ...] = ()
        self.judge.begin()

    def homes(self) -> dict[str, str]:
        """Where each guest runs, by uuid; "" where nowhere."""
        database = self.simulator.database
        return {
            vm["uuid"]: self.simulator.world.uuid("host", vm["resident_on"])
            for _, vm in database.items("VM")
            if not (vm["is_control_domain"] or vm["is_a_template"] or vm["is_a_snapshot"])
        }

    def _settings(self) -> dict[str, tuple[str, ...]]:
        """What is turned down while VMs are off: `auto_poweron` of the pool, and the restart priorities of VMs."""
        database = self.simulator.database
        auto = tuple(pool["other_config"].get(AUTO, "") for _, pool in database.items("pool"))
        priorities = {vm["name_label"]: (vm["ha_restart_priority"],) for _, vm in database.items("VM")}
        return {**priorities, AUTO: auto}

    @property
    def found(self) -> list[str]:
        """What is wrong, in words."""
        return self.judge.found

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Let processes run here until the block ends."""
        with storm_seams(self.ways, self.record, Random(0)), pytest.MonkeyPatch.context() as patch:
            _trace_seam(patch)
            self._watch_reboots(patch)
            yield

    def _watch_reboots(self, patch: pytest.MonkeyPatch) -> None:
        """Have every reboot judged that XAPI accepts."""

        def judged(world: World, host: str, *, again: bool) -> None:
            self.conduct.at_reboot(host)
            go_down(world, host, again=again)

        patch.setattr(boots, "go_down", judged)

    def run(self, *strikes: Strike, anew: bool = False) -> str:
        """A process from its start to its end, whatever befalls it; its exit code and words.

        With *anew* what was begun is given up, and the hosts that are left are planned anew; all where none is left.
        """
        ended = partial(self._ended, anew=anew)
        return self.process("process", self.plans.stages[0].plan, ended, strikes)

    def _ended(self, executor: Executor, *, anew: bool) -> str:
        pool = self.plans.stages[0].plan.made_from.pool
        with pool_lock(pool, self.folder):
            kept, site = KeptRolling.of(pool, self.folder), self._site(executor)
            if anew and kept.is_begun:
                if waits := self._given_up(kept, site):
                    return f"{Exit.LATER:d} {waits}"
                self.gave_up = True
            if self.gave_up and not kept.is_begun and (why := self._plan_anew(executor)):
                return f"{Exit.ERROR:d} {why}"
            return self._walked(executor, kept, site)

    def _given_up(self, kept: KeptRolling, site: Site) -> str:
        """Give up what was begun, as `--anew` does; for what that waits, if it does."""
        progress = Progress(kept, site)
        worked_on = [each for each in progress.stages if each.purpose is Purpose.EMPTY]
        left = [each.host for each in worked_on if not progress.has(Event.DONE, each)]
        self.left = left or [each.host for each in worked_on]
        if waits := take_back(progress, site, lambda *_: None):
            return waits
        self.said += give_up(Trace.opened(kept.trace), site)
        self._judge_homes()
        kept.end(site.clock.now())
        return ""

    def _plan_anew(self, executor: Executor) -> str:
        """Plan the hosts that are left; VMs have to end where they are then. Why there is no plan, if so."""
        model = rb.Model(self._read(executor, self.policy.demand), self.policy)
        shut_down = bool(self.policy.rolling.shut_down)
        made_at = executor.clock.now()
        found = rb.rolling(model, self.left, version=self.version, shut_down=shut_down, made_at=made_at)
        if found.refused:
            return str(found.refused)
        self.plans = found
        self.conduct.begin(self.plans)
        self.ends = self.homes() | {each.vm: self._uuid(each.ends_on_name) for each in self.plans.deviations}
        return ""

    def _site(self, executor: Executor) -> Site:
        return Site(
            pool=self.plans.stages[0].plan.made_from.pool,
            policy=self.policy,
            door=PoolDoor(self.live),
            carry_out=partial(self._carried_out, executor),
            read=partial(self._read, executor),
            say=self.said.append,
            clock=executor.clock,
            state_dir=self.folder,
            any_time=self.any_time,
        )

    def _walked(self, executor: Executor, kept: KeptRolling, site: Site) -> str:
        if not kept.is_begun:
            kept.begin(self.plans)
        means = ByPeople(ask=None, work="reboot it") if self.asks_people else ByXapi(site=site)
        rolled = Course(kept, site, means).walk()
        executor.assert_alive()
        if rolled.waits:
            return f"{Exit.LATER:d} {rolled.waits}"
        kept.end(executor.clock.now())
        self.astray = rolled.astray
        return f"{Exit.DONE:d} done"

    def _carried_out(self, executor: Executor, plan: Plan, folder: Path) -> RunResult:
        if folder.name == HOME:
            self.conduct.lead_home(plan)
        with self.live() as live:
            return rb.apply(plan, live, state_dir=self.folder, clock=executor.clock, stop=executor.stop)

    def _read(self, executor: Executor, _demand: DemandPolicy) -> rb.PoolState:
        with self.live() as live:
            return rb.PoolState(pool=live.read(), demand=None, taken_at=executor.clock.now(), source="a storm")

    @property
    def lines(self) -> list[Entry]:
        """The trace, wherever it stands by now."""
        path = self._latest / "trace.jsonl"
        return Trace.opened(path).entries if path.exists() else []

    @property
    def _latest(self) -> Path:
        """The folder of what is under way, or was last."""
        kept = KeptRolling.of(self.plans.stages[0].plan.made_from.pool, self.folder)
        return kept.folder if kept.is_begun else max((self.folder / "rolling").glob("*"), default=kept.folder)

    def _made_anew(self, number: int) -> Plan | None:
        """The plan that the stage with that *number*, from 1, was given last; None where it has its first one."""
        told = [line.words for line in self.lines if (line.event, line.stage) == (Event.ANEW, number)]
        return read_plan(self._latest / "anew" / told[-1]) if told else None

    def points(self) -> dict[str, int]:
        """How many calls, lines of journals and lines of the trace there were."""
        return {kind: sum(each.count(kind) for each in self.executors) for kind in (CALL, LINE, TRACE)}

    def reboot(self, host: str) -> None:
        """Reboot a host, by its ref, as somebody at its console does, and wait until it is back."""
        go_down(self.simulator.world, host, again=True)
        self.time.sleep(400.0)

    def assert_right(self) -> None:
        """Fail where anything is wrong, or not as it has to be once all is done."""
        self.judge_the_end()
        assert self.found == [], "\n".join(self.found)

    def judge_the_end(self) -> None:
        """Blame what is not as it has to be once all is done."""
        hosts = [host for _, host in self.simulator.database.items("host")]
        worked_on = set(self.plans.hosts)
        if self._settings() != self.settings:
            self.blame("what was turned down while VMs were off is not as it was")
        self._judge_homes()
        for host in hosts:
            if not host["enabled"]:
                self.blame(f"{host['name_label']} is not enabled")
            if host["name_label"] in worked_on and self.version:
                version = host["software_version"]["platform_version"]
                if version != self.version:
                    self.blame(f"{host['name_label']} runs {version}")

    def _judge_homes(self) -> None:
        """Blame VMs that are not where they have to end, and of which nobody was told."""
        for vm, home in self.homes().items():
            name = self.simulator.database.get("VM", self.simulator.database.by_uuid("VM", vm))["name_label"]
            told = any(each.startswith(f"{name} is on ") for each in self.astray)
            told = told or any(each.startswith(f"VM {name} stays on ") for each in self.said)
            if home != self.ends[vm] and home not in self.elsewhere.get(vm, ()) and not told:
                self.blame(f"VM {vm} is on {home or 'no host'}, and has to end on {self.ends[vm] or 'no host'}")

    def plug(self, host: str) -> None:
        """Plug the storage of a host, by its ref, as somebody does who looks after it."""
        for ref, pbd in self.simulator.database.items("PBD"):
            if pbd["host"] == host:
                self.simulator.database.change("PBD", ref, currently_attached=True)

    def _uuid(self, name: str) -> str:
        return self.simulator.world.uuid("host", self.host(name))

    def host(self, name: str) -> str:
        """The ref of a host."""
        return next(ref for ref, host in self.simulator.database.items("host") if host["name_label"] == name)


@contextmanager
def staged(
    folder: Path, *, seed: int = 1, hosts: int = 2, version: str | None = NEWER, pinned: int = 0, **policies: object
) -> Iterator[Stage]:
    """A stage on which two hosts are worked on, open until the block ends."""
    scene = small_scene(seed, version, hosts, pinned)
    stage = Stage(folder, scene, policy(pinned=pinned > 0, **policies), seed=seed)
    with stage.opened():
        yield stage
        stage.close()


def _trace_seam(patch: pytest.MonkeyPatch) -> None:
    """Let each line of the trace be a point of the process, before, half-way through and after."""
    append = Trace.append

    def told(self: Trace, entry: Entry) -> None:
        me = this_executor()
        assert me is not None
        me.come_to(TRACE, entry.event, BEFORE)
        append(self, entry)
        me.come_to(TRACE, entry.event, AFTER)

    def added(path: Path, line: bytes) -> None:
        me = this_executor()
        assert me is not None
        try:
            me.come_to(TRACE, "line", HALF)
        except Killed:
            add_line(path, line[: len(line) // 2])
            raise
        add_line(path, line)

    patch.setattr(Trace, "append", told)
    patch.setattr(traces, "add_line", added)

"""Where hosts of a small pool sleep and wake in virtual time, by commands whose processes end well, or die."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import SimpleNamespace

import numpy as np
import pytest

import rebalancer as rb
from rebalancer.cli import sleeping
from rebalancer.cli.sleeping import Saving
from rebalancer.demand import LoadProfile, Quality
from rebalancer.execute import HostNote, HostStage, PowerRecord, RunResult
from rebalancer.execute.power import record as records
from rebalancer.inventory import Pool, pool_from_records
from rebalancer.inventory.records import CLASSES
from rebalancer.plan import Plan
from rebalancer.simulator import Simulator
from rebalancer.simulator.migration import boots
from rebalancer.simulator.migration.boots import go_down
from rebalancer.simulator.state.world import World
from tests.storm.blows import Strike
from tests.storm.executor import AFTER, BEFORE, HALF, Executor, Killed, VirtualClock, this_executor
from tests.storm.hosts_stage import HostsStage
from tests.storm.judge import WatchedTime
from tests.storm.places import Places
from tests.storm.power.conduct import Conduct, Watch
from tests.storm.power.scene import PLAIN, Wishes, pool_of
from tests.storm.seams import storm_seams
from tests.storm.situations import BEGINS
from tests.storm.ways import Ways

NOTE = "note"
"""The kind of point that a line of the record is."""
SHARE = 0.75
REST_HOURS = 4.0
BUSY = range(8, 18)
"""Hours of the day in which VMs use all that the storm has them use; in the others a quarter."""


class Stage(HostsStage):
    """A pool, and everything that is known of what happens there; its VMs use `level` pCPUs each in busy hours."""

    judge: Watch

    def __init__(self, folder: Path, wishes: Wishes, *, seed: int) -> None:
        super().__init__(folder, WatchedTime(BEGINS.timestamp()))
        self.level = 0.5
        self.file = folder / "saving.toml"
        self.file.write_text(wishes.policy, encoding="utf-8")
        self.file.chmod(0o600)
        self.simulator = Simulator(pool_of(seed, ha=wishes.ha), timing=self.time, login_delay=0.0)
        self.plan = self._first_plan()
        self.judge = Watch(self.simulator, Places([self.simulator.database], self.plan), self.time, self.record)
        spare = int(wishes.spare or wishes.ha)
        self.conduct = Conduct(self.judge, rest_hours=REST_HOURS, spare=spare, load=self.load, share=SHARE)
        self.ways = Ways([self.simulator], self.time, Random(seed), self.record, self.conduct)  # type: ignore[arg-type]  # a judge of calls, as it is one
        self.judge.begin()

    def _first_plan(self) -> Plan:
        """Any plan for the pool: what the places are judged by, and what runs are noted with."""
        pool = self.pool_now()
        state = rb.PoolState(pool=pool, demand=self.demand(pool), taken_at=BEGINS, source="a storm")
        return rb.rebalance(rb.Model(state, rb.Policy.load(self.file)), made_at=BEGINS)

    def pool_now(self) -> Pool:
        """The pool as its records show it."""
        database = self.simulator.database
        return pool_from_records({cls: database.all(cls) for cls in CLASSES})

    def demand(self, pool: Pool) -> LoadProfile:
        """What VMs use, hour by hour."""
        guests = tuple(vm.uuid for vm in pool.resident_guests())
        day = [self.level if hour in BUSY else self.level / 4 for hour in range(24)]
        return LoadProfile(
            vms=guests,
            hosts=tuple(pool.hosts),
            vm_pcpu=np.array([day] * len(guests)).reshape(len(guests), 24),
            host_base_pcpu=np.zeros((len(pool.hosts), 24)),
            slot_hours=1.0,
            quality=dict.fromkeys(guests, Quality.MEASURED),
            percentile=95.0,
            window_start=BEGINS,
            window_end=BEGINS,
            timezone="UTC",
            source="a storm",
        )

    def load(self) -> float:
        """What all VMs together use now, in pCPUs."""
        hour = VirtualClock(self.time).now().hour
        guests = sum(1 for _ in self.pool_now().resident_guests())
        return guests * (self.level if hour in BUSY else self.level / 4)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Let processes run here until the block ends."""
        with storm_seams(self.ways, self.record, Random(0)), pytest.MonkeyPatch.context() as patch:
            _record_seam(patch)
            self._product_seam(patch)
            yield

    def _product_seam(self, patch: pytest.MonkeyPatch) -> None:
        """Let the commands get in here, in virtual time, and every host be judged that is switched off."""
        front = SimpleNamespace(connect=lambda *_way: self.live(), Model=rb.Model, rebalance=rb.rebalance)
        patch.setattr(sleeping, "rb", front)
        patch.setattr(sleeping, "read_back", self._read)
        patch.setattr(sleeping, "carried_out", self._carried_out)
        patch.setattr(sleeping, "Clock", lambda: _me().clock)
        patch.setattr(sleeping, "say", self.said.append)
        patch.setattr(sleeping, "show_lines", lambda *lines: self.said.extend(lines))

        def judged(world: World, host: str, *, again: bool) -> None:
            self.conduct.at_going_down(host)
            go_down(world, host, again=again)

        patch.setattr(boots, "go_down", judged)

    def _read(self, *_way: object) -> rb.PoolState:
        with self.live() as live:
            pool = live.read()
        return rb.PoolState(pool=pool, demand=self.demand(pool), taken_at=_me().clock.now(), source="a storm")

    def _carried_out(self, plan: Plan, *_way: object) -> RunResult:
        me = _me()
        with self.live() as live:
            return rb.apply(plan, live, state_dir=self.folder, clock=me.clock, stop=me.stop)

    def sleep(self, *strikes: Strike) -> str:
        """A process of `sleep --execute`, from its start to its end; its exit code and words."""
        return self._run("sleep", lambda saving: saving.put_to_sleep(), strikes)

    def wake(self, *strikes: Strike, everyone: bool = False) -> str:
        """A process of `wake`, likewise."""
        return self._run("wake", lambda saving: saving.wake((), everyone=everyone), strikes)

    def _run(self, name: str, command: Callable[[Saving], int], strikes: Sequence[Strike]) -> str:
        return self.process(name, self.plan, lambda _executor: self._ended(command), strikes)

    def _ended(self, command: Callable[[Saving], int]) -> str:
        saving = Saving(url="http://pool", connection=rb.Connection(), policy=self.file, state_dir=self.folder)
        return f"{command(saving):d} done"

    @property
    def latest(self) -> Mapping[str, HostNote]:
        """The last of each host."""
        return {each.host: each for each in self.notes}

    @property
    def notes(self) -> tuple[HostNote, ...]:
        """What is written of hosts."""
        return PowerRecord.of(self.plan.made_from.pool, self.folder).notes()

    def name(self, host: str) -> str:
        """The name of a host, by its ref."""
        return str(self.simulator.database.get("host", host)["name_label"])

    def judge_who_is_awake(self) -> None:
        """Blame hosts that are left off while those that are on are too few for this hour."""
        asleep = [each.host for each in self.latest.values() if each.stage is HostStage.ASLEEP]
        off = {self.simulator.database.get("host", ref)["uuid"] for ref in self.simulator.world.down}
        for words in self.conduct.lacking() if off.intersection(asleep) else ():
            self.blame(f"nobody is woken: {words}")

    def judge_the_end(self) -> None:
        """Blame what is not as it has to be once everybody was woken."""
        for ref, host in self.simulator.database.items("host"):
            if ref not in self.judge.live() or not host["enabled"]:
                self.blame(f"{host['name_label']} is not in service")


@contextmanager
def staged(folder: Path, wishes: Wishes = PLAIN, *, seed: int = 1) -> Iterator[Stage]:
    """A stage, open until the block ends."""
    stage = Stage(folder, wishes, seed=seed)
    with stage.opened():
        yield stage
        stage.close()


def _me() -> Executor:
    found = this_executor()
    assert found is not None, "only processes of the storm read, and write"
    return found


def _record_seam(patch: pytest.MonkeyPatch) -> None:
    """Let each line of the record be a point of the process, before, half-way through and after."""
    note = PowerRecord.note

    def told(self: PowerRecord, line: HostNote) -> None:
        _me().come_to(NOTE, line.stage, BEFORE)
        note(self, line)
        _me().come_to(NOTE, line.stage, AFTER)

    def added(path: Path, lines: bytes) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        body = path.read_bytes() if path.exists() else b""
        kept = body[: body.rfind(b"\n") + 1]
        try:
            _me().come_to(NOTE, "line", HALF)
        except Killed:
            path.write_bytes(kept + lines[: len(lines) // 2])
            raise
        path.write_bytes(kept + lines)
        path.chmod(0o600)

    patch.setattr(PowerRecord, "note", told)
    patch.setattr(records, "added_to", added)

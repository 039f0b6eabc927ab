"""The lock as a XAPI keeps it: one winner of many, and who may write it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest
import XenAPI

from rebalancer.errors import PoolLocked, RefusedByXapi, Unreachable
from rebalancer.execute.claim.pool_claim import LOCK, PoolClaim
from rebalancer.simulator import Simulator
from rebalancer.xapi import Credentials, Trust, live_pool
from tests.execute.claim.claims import claim_of
from tests.execute.stage import KEYS, POOL

Answer = TypeVar("Answer")

CLIENTS = 8
ROUNDS = 200


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A pool that is served."""
    with Simulator(POOL, login_delay=0.0) as served:
        yield served


def held(simulator: Simulator) -> dict[str, str]:
    """What is in `gui_config`."""
    ((_, pool),) = simulator.database.items("pool")
    return dict(pool["gui_config"])


def claims(simulator: Simulator, stack: ExitStack, folder: Path) -> list[PoolClaim]:
    """As many runs as there are clients, each with a login and a state folder of its own."""
    lives = [stack.enter_context(live_pool(simulator.url, KEYS, Trust())) for _ in range(CLIENTS)]
    uuid = lives[0].read().uuid
    return [claim_of(f"run{number}", live.marks, folder / str(number), pool=uuid) for number, live in enumerate(lives)]


def got(claim: PoolClaim, start: Barrier, *, break_lock: bool) -> bool:
    """Whether a run got the lock, all having begun at once."""
    start.wait()
    try:
        claim.take(break_lock=break_lock)
    except PoolLocked:
        return False
    return True


@pytest.mark.slow
def test_of_eight_runs_exactly_one_gets_the_lock(simulator: Simulator, tmp_path: Path) -> None:
    """In each of 200 rounds, and nothing is left of it after any."""
    with ExitStack() as stack, ThreadPoolExecutor(CLIENTS) as threads:
        runs = claims(simulator, stack, tmp_path)
        for _ in range(ROUNDS):
            tries = threads.map(partial(got, start=Barrier(CLIENTS), break_lock=False), runs)
            (winner,) = [run for run, won in zip(runs, tries, strict=True) if won]
            assert winner.is_ours()
            winner.release()
            assert held(simulator) == {}


@pytest.mark.slow
def test_of_two_that_break_a_lock_at_once_one_holds_it(simulator: Simulator, tmp_path: Path) -> None:
    """Of 50 dead runs, each with two breakers: in the end exactly one is the holder, by the pool's word."""
    with ExitStack() as stack, ThreadPoolExecutor(2) as threads:
        dead, *breakers = claims(simulator, stack, tmp_path)[:3]
        for _ in range(50):
            dead.take(break_lock=False)
            age(simulator)
            list(threads.map(partial(got, start=Barrier(2), break_lock=True), breakers))
            simulator.faults.clear()
            (holder,) = [each for each in breakers if each.value and each.is_ours()]
            holder.release()
            assert held(simulator) == {}


def age(simulator: Simulator) -> None:
    """Let the coordinator's clock be three minutes on: who was not seen since is dead if somebody says so."""
    uuid = simulator.world.uuid("host", simulator.world.coordinator)
    simulator.faults.add("clock-skew", host=uuid, seconds=180, times=-1)


def test_an_answer_that_is_lost_loses_no_lock(simulator: Simulator, tmp_path: Path) -> None:
    """XAPI has added the key, and the connection breaks: asked again, it says that the key is there, with our value."""
    simulator.faults.add("connection-reset", method="pool.add_to_gui_config")
    with ExitStack() as stack:
        live = stack.enter_context(live_pool(simulator.url, KEYS, Trust()))
        claim = claim_of("run", live.marks, tmp_path, pool=live.read().uuid, ask=stubborn)
        claim.take(break_lock=False)
        assert list(held(simulator)) == [LOCK]


def stubborn(question: Callable[[], Answer], /) -> Answer:
    """Ask twice."""
    try:
        return question()
    except Unreachable:
        return question()


@pytest.mark.parametrize(("role", "may"), [("vm-operator", True), ("vm-power-admin", True), ("read-only", False)])
def test_who_may_lock_a_pool(simulator: Simulator, tmp_path: Path, role: str, may: bool) -> None:
    """A VM operator may; who only reads is told which role it takes."""
    let_in(simulator, role)
    with live_pool(simulator.url, Credentials(user="alice", password="simulator"), Trust()) as live:
        claim = claim_of("run", live.marks, tmp_path, pool=live.read().uuid)
        if may:
            claim.take(break_lock=False)
            claim.release()
        else:
            with pytest.raises(RefusedByXapi, match=r"vm-operator"):
                claim.take(break_lock=False)
        assert held(simulator) == {}


def let_in(simulator: Simulator, role: str) -> None:
    """Let alice in, with a role."""
    session = XenAPI.Session(simulator.url)
    session.xenapi.login_with_password("root", "simulator", "1.0", "tests")
    xapi = session.xenapi
    subject = xapi.subject.create({"subject_identifier": "S-1-5-1", "other_config": {"subject-name": "alice"}})
    xapi.subject.add_to_roles(subject, xapi.role.get_by_name_label(role)[0])

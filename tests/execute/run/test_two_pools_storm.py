"""Runs between two pools, killed or cut off from one of them at any call: nothing is sent twice or misread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from rebalancer.errors import RebalancerError
from rebalancer.execute import RunOptions, execute, read_journal, resume, was_begun
from rebalancer.execute.journal.entries import Intended, Looked
from rebalancer.execute.journal.outcome import StepState
from rebalancer.simulator import Simulator
from rebalancer.xapi import LivePair, Trust, live_pool
from rebalancer.xapi.wire.transport import SendOnce
from tests.execute.stage import KEYS, TIMEOUTS, StoppedClock
from tests.execute.two_stages import SENT, Stage, staged

CALLS = 330
"""About as many as a whole run sends."""
AT_THE_MOVE = CALLS * 100
"""No call yet: the first that moves a VM."""
AT_HOME = {StepState.STAYED, StepState.REFUSED, StepState.UNSENT}


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def stage(tmp_path: Path, calls: list[str]) -> Iterator[Stage]:
    """Two VMs of the first pool have to run in the second."""
    with staged(tmp_path, calls) as made:
        yield made


class Weather:
    """What happens at one call of a run: it is killed, or one of both pools is out of reach for a while."""

    def __init__(self, random: Random, stage: Stage) -> None:
        self.calls, self.at = 0, random.choice([random.randrange(1, CALLS), AT_THE_MOVE])
        self.kills, self.late = random.random() < 0.4, random.random() < 0.5
        self.lasts = random.choice([1, 2, 5, CALLS * 10])
        self.side = random.choice([stage.home.url, stage.annex.url])

    def strike(self, url: str, *, late: bool) -> None:
        """Strike if it is time, before the call is sent or after it was answered."""
        if late != self.late:
            return
        if self.kills and self.calls >= self.at:
            raise Killed
        if not self.kills and url == self.side and self.at <= self.calls < self.at + self.lasts:
            raise ConnectionResetError

    def over(self, patch: pytest.MonkeyPatch) -> None:
        """Let every call pass through it."""
        send = SendOnce.single_request

        def request(self_: SendOnce, *arguments: Any) -> Any:  # noqa: ANN401 - xmlrpc's
            self.calls += 1
            if self.at == AT_THE_MOVE and SENT.encode() in arguments[2]:
                self.at = self.calls
            url = str(self_._address)
            self.strike(url, late=False)
            answer = send(self_, *arguments)
            self.strike(url, late=True)
            return answer

        patch.setattr(SendOnce, "single_request", request)


def go(stage: Stage, pools: list[Simulator]) -> bool:
    """Carry the plan out, or go on with it, the *pools* named in their order; whether it is complete."""
    begun = stage.journal.exists() and was_begun(stage.journal)
    try:
        with LivePair(*(live_pool(each.url, KEYS, Trust(), timeout_seconds=5) for each in pools)) as live:
            options = RunOptions(
                journal=stage.journal,
                state_dir=stage.folder / "state",
                clock=StoppedClock(),
                timeouts=replace(TIMEOUTS, unreachable=1.5),
            )
            result = (resume if begun else execute)(stage.plan, live, options)
    except (Killed, RebalancerError):
        return False
    return result.complete


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_weather_nothing_is_sent_twice_or_misread(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Gone on with, the pools named in any order, until it is complete: each VM runs once, where the journal says."""
    random, pools = Random(seed), [stage.home, stage.annex]
    for _ in range(random.choice([1, 2, 3])):
        with monkeypatch.context() as patch:
            Weather(random, stage).over(patch)
            go(stage, random.sample(pools, 2))
    complete = go(stage, pools) or go(stage, pools)
    entries = read_journal(stage.journal)
    intended = Counter(each.step for each in entries if isinstance(each, Intended))
    looks = [each for each in entries if isinstance(each, Looked)]
    failed = Counter(each.step for each in looks if each.state in AT_HOME)
    assert all(count <= 1 + failed[step] for step, count in intended.items())
    assert stage.calls.count(SENT) <= intended.total()
    moved = {each.step for each in looks if each.state is StepState.MOVED}
    assert complete == (len(moved) == len(stage.plan.steps))
    for step in stage.plan.steps:
        assert stage.found(step.vm).count("Running") == 1
        assert step.id not in moved or stage.found(step.vm) == ["", "Running"]

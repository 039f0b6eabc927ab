"""Something goes wrong with the way to the pool while a migration runs: TLS, names, refused connections, members."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from rebalancer.errors import StoppedHalfWay
from rebalancer.execute import RunReporter
from rebalancer.execute.journal.outcome import StepState
from rebalancer.plan import Step
from rebalancer.simulator import Simulator
from rebalancer.xapi import Trust, live_pool
from tests.execute.doors import Card, Door, doors
from tests.execute.scripted import plan_of
from tests.execute.stage import KEYS, POOL, TIMEOUTS, Stage, StoppedClock, some_moves
from tests.pools import policy_of

LATE = replace(TIMEOUTS, unreachable=1)
SPEED = 20.0
MOVES = 2


@dataclass
class Setting:
    """A run over TLS, the doors of the pool by address, and the name by which the coordinator is reached."""

    stage: Stage
    doors: dict[str, Door]
    given: str
    folder: Path

    @property
    def first(self) -> Door:
        """The coordinator's, where it was given."""
        return self.doors[self.given]

    @property
    def others(self) -> list[Door]:
        """Those by which nobody was told that the pool is to be reached."""
        return [door for name, door in self.doors.items() if name != self.given]


@pytest.fixture(params=["a pinned fingerprint", "a CA with names only"])
def setting(request: pytest.FixtureRequest, tmp_path: Path, calls: list[str]) -> Iterator[Setting]:
    """Four hosts, of which only the coordinator can be trusted, by its fingerprint or by its name."""
    with Simulator(POOL, speed=SPEED, login_delay=0.0) as simulator:
        pinned = request.param == "a pinned fingerprint"
        coordinator = simulator.url.removeprefix("http://").rpartition(":")[0]
        given = coordinator if pinned else "localhost"
        with doors(simulator, tmp_path, given) as (url, found):
            card = found[given].card
            trust = Trust(fingerprints=frozenset({card.fingerprint})) if pinned else Trust(ca_file=card.file)
            with live_pool(url, KEYS, trust) as live:
                pool = live.read()
                plan = plan_of(pool, *some_moves(pool)[:MOVES], policy=policy_of(limits={"concurrent": 1}))
                stage = Stage(simulator=simulator, live=live, plan=plan, folder=tmp_path, calls=calls)
                yield Setting(stage=stage, doors=found, given=given, folder=tmp_path)


@dataclass(kw_only=True)
class Trouble:
    """How something goes wrong with the way, how it is mended, and what tells that it was tried meanwhile."""

    begin: Callable[[], None]
    mend: Callable[[], None] = lambda: None
    tried: Callable[[], bool] = lambda: True


Make = Callable[[Setting, pytest.MonkeyPatch], Trouble]


def refused(setting: Setting, _: pytest.MonkeyPatch) -> Trouble:
    """Nothing listens where the coordinator was, until a member was tried in its place."""
    knocks = sum(door.knocks for door in setting.others)
    return Trouble(
        begin=setting.first.vanish,
        mend=setting.first.come_back,
        tried=lambda: sum(door.knocks for door in setting.others) > knocks,
    )


def hung_up_on(setting: Setting, _: pytest.MonkeyPatch) -> Trouble:
    """The coordinator hangs up before TLS is agreed on, as while its toolstack restarts."""
    knocks = setting.first.knocks

    def begin() -> None:
        setting.first.shut = True
        setting.first.cut()

    return Trouble(
        begin=begin,
        mend=lambda: setattr(setting.first, "shut", False),
        tried=lambda: setting.first.knocks > knocks + 2,
    )


def another_certificate(setting: Setting, _: pytest.MonkeyPatch) -> Trouble:
    """The coordinator shows a certificate that nobody pinned, and later its own again."""
    knocks, card = setting.first.knocks, setting.first.card

    def begin() -> None:
        setting.first.card = Card(setting.given, setting.folder)
        setting.first.cut()

    return Trouble(
        begin=begin,
        mend=lambda: setattr(setting.first, "card", card),
        tried=lambda: setting.first.knocks > knocks + 2,
    )


def no_names(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> Trouble:
    """The name server knows nobody for a while."""
    asked, find = list[str](), socket.getaddrinfo

    def find_none(*words: Any, **_options: Any) -> Any:  # noqa: ANN401 - the signature of the original
        asked.append(str(words[0]))
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def begin() -> None:
        monkeypatch.setattr(socket, "getaddrinfo", find_none)
        setting.first.cut()

    return Trouble(
        begin=begin,
        mend=lambda: monkeypatch.setattr(socket, "getaddrinfo", find),
        tried=lambda: len(asked) > 2,
    )


def member_that_names(odd: Callable[[Setting], str]) -> Make:
    """The coordinator says that it is a member, and names something odd, or somebody who cannot be trusted."""

    def make(setting: Setting, _: pytest.MonkeyPatch) -> Trouble:
        faults, named = setting.stage.simulator.faults, odd(setting)
        return Trouble(begin=lambda: faults.add("refused", code="HOST_IS_SLAVE", params=named, times=3))

    return make


TROUBLES: dict[str, Make] = {
    "refused": refused,
    "hung up on": hung_up_on,
    "another certificate": another_certificate,
    "no names": no_names,
    "names nobody": member_that_names(lambda _: ""),
    "names no address": member_that_names(lambda _: "[::1"),
    "names nobody that is there": member_that_names(lambda _: "no..such..host"),
    "names whom nobody trusts": member_that_names(lambda setting: next(reversed(setting.doors))),
}


class Watcher(RunReporter):
    """Lets a trouble begin when the first migration is seen to run, and has it mended once that was tried."""

    def __init__(self, trouble: Trouble) -> None:
        self.trouble, self.begun, self.mended = trouble, False, False

    def step_progress(self, step: Step, progress: float) -> None:  # noqa: ARG002 - a reporter's
        """A migration runs."""
        if not self.begun:
            self.begun = True
            self.trouble.begin()

    def tend(self, _seconds: float) -> None:
        """Time passes."""
        if self.begun and not self.mended and self.trouble.tried():
            self.mended = True
            self.trouble.mend()


@pytest.mark.parametrize("name", TROUBLES)
def test_a_way_that_is_wrong_for_a_while_is_waited_for(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The migration is watched to its end, the others are made, and no call is sent twice."""
    watcher = Watcher(TROUBLES[name](setting, monkeypatch))
    assert setting.stage.run(reporter=watcher, clock=StoppedClock(watcher.tend)).complete
    assert watcher.begun
    assert watcher.mended
    assert setting.stage.looked() == [StepState.MOVED] * MOVES
    assert setting.stage.migrations == MOVES


NEVER_MENDED = {
    "refused": "nothing listens there",
    "hung up on": "the connection was closed",
    "another certificate": "which is not pinned|is not trusted",
    "no names": "there is no host of that name",
}


@pytest.mark.parametrize("name", NEVER_MENDED)
def test_a_way_that_stays_wrong_is_told_once_the_time_is_over(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The run stops half-way with what is wrong at the address that was given, and the step is unknown."""
    trouble = TROUBLES[name](setting, monkeypatch)
    clock = StoppedClock()
    with pytest.raises(StoppedHalfWay, match=NEVER_MENDED[name]) as raised:
        setting.stage.run(reporter=Watcher(trouble), clock=clock, timeouts=LATE)
    trouble.mend()
    assert setting.given in str(raised.value)
    assert setting.stage.looked() == [StepState.UNKNOWN]
    assert clock.seconds >= LATE.unreachable


def test_who_cannot_be_trusted_gets_no_password(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    """Members that are tried while the coordinator is silent are hung up on before a byte of ours is sent."""
    heard = list[bytes]()
    watcher = Watcher(refused(setting, monkeypatch))
    for door in setting.others:
        door.listen_in = heard.append
    assert setting.stage.run(reporter=watcher, clock=StoppedClock(watcher.tend)).complete
    assert heard == []

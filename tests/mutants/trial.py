"""Tests against mutants: first every test with the right rules, then for each mutant those that can notice it."""

from __future__ import annotations

import io
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from multiprocessing import get_context
from types import CodeType, FrameType

import pytest
from _pytest.runner import runtestprotocol

from tests.mutants.mutant import PACKAGE, Mutant, modules

FORK = get_context("fork")
WORKERS = 2
ROWS = "test_single_moves"
SECONDS = 60
"""Of work: a mutant that keeps the tests busy for longer counts as noticed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What one test called: functions by file and dotted name; and how long it took."""

    item: pytest.Item
    called: frozenset[tuple[str, str]]
    seconds: float

    def can_notice(self, mutant: Mutant) -> bool:
        """Whether the test called what is wrong."""
        if mutant.reach is None:
            return True
        file, place = mutant.reach
        return any(each == file and name.startswith(place) for each, name in self.called)


TO_TRY: list[Mutant] = []
REACHES: list[Reach] = []


class Trials:
    """A plugin of pytest that tries *mutants* against the tests; answers go to `killers`, and to *tell* at once."""

    def __init__(self, mutants: Sequence[Mutant], tell: Callable[[Mutant, str], None]) -> None:
        self.mutants, self.tell = mutants, tell
        self.killers: list[str] = []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In the place of pytest's own loop.

        Raises:
            pytest.UsageError: a test fails with the right rules.
        """
        reaches = [_reach(item) for item in session.items]
        with FORK.Pool(WORKERS, _begin, (self.mutants, reaches), maxtasksperchild=1) as pool:
            for mutant, killer in zip(self.mutants, pool.imap(_killer, range(len(self.mutants))), strict=True):
                self.killers.append(killer)
                self.tell(mutant, killer)
        return True


def _reach(item: pytest.Item) -> Reach:
    """Run one test with the right rules, and note what it calls."""
    codes: dict[int, CodeType] = {}

    def note(frame: FrameType, _event: str, _argument: object) -> None:
        codes[id(frame.f_code)] = frame.f_code

    started = time.perf_counter()
    sys.settrace(note)
    failed = _fails(item)
    sys.settrace(None)
    if failed:
        raise pytest.UsageError(f"{item.nodeid} fails although nothing is wrong with the rules")
    seconds, root = time.perf_counter() - started, str(PACKAGE)
    called = {(code.co_filename, code.co_qualname) for code in codes.values() if code.co_filename.startswith(root)}
    return Reach(item=item, called=frozenset(called), seconds=seconds)


def _begin(mutants: Sequence[Mutant], reaches: Sequence[Reach]) -> None:
    """What a process that tries one mutant has to know; it ends a test that does not end by itself."""
    TO_TRY[:], REACHES[:] = mutants, reaches
    signal.signal(signal.SIGPROF, _give_up)
    signal.setitimer(signal.ITIMER_PROF, SECONDS, SECONDS)


def _killer(number: int) -> str:
    """The first test that fails with one mutant; empty if none does."""
    mutant = TO_TRY[number]
    try:
        mutant.put_in()
    except TypeError:
        return "the module cannot be imported"
    return next((reach.item.nodeid for reach in _able(mutant) if _fails(reach.item)), "")


def _able(mutant: Mutant) -> list[Reach]:
    """Tests that reach the mutant: those that name its rule first, and no rows that were written for other rules."""
    name = mutant.rule.rpartition(".")[2].replace("_", "-")
    able = [reach for reach in REACHES if reach.can_notice(mutant)]
    own = [reach for reach in able if f"[{name}" in reach.item.nodeid]
    others = [reach for reach in able if reach not in own and not (own and ROWS in reach.item.nodeid)]
    return [each for part in (own, others) for each in sorted(part, key=lambda reach: reach.seconds)]


def _fails(item: pytest.Item) -> bool:
    """Run one test with its fixtures, and nothing that rules remember from an earlier one."""
    for module in modules():
        for value in list(vars(module).values()):
            getattr(value, "cache_clear", int)()
    try:
        with redirect_stdout(io.StringIO()):
            return any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))
    except Exception:  # noqa: BLE001 - what is wrong, or the end of patience, reached pytest itself
        return True


def _give_up(_number: int, _frame: FrameType | None) -> None:
    """End a test that does not end."""
    raise TimeoutError(f"no answer in {SECONDS} s of work")

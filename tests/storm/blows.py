"""What befalls a process at a point that is drawn: it is killed, or cut off from the pool for a while."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.storm.executor import AFTER, BEFORE, Executor, Killed, Point

Strike = tuple[Point, Callable[[Executor], None]]


def kill(point: Point) -> Strike:
    """The process dies there."""
    return point, _die


def blows(chance: Random, drawn: Callable[[Random], Point]) -> list[tuple[str, Strike]]:
    """None, one or two of them, each with its words, where points are *drawn* from the chance."""
    return [
        chance.choice([_killed, _killed, _cut_off])(chance, drawn(chance)) for _ in range(chance.choice([0, 1, 1, 2]))
    ]


def _die(executor: Executor) -> None:
    executor.die()
    raise Killed


def _killed(_chance: Random, point: Point) -> tuple[str, Strike]:
    return f"killed {point}", kill(point)


def _cut_off(chance: Random, point: Point) -> tuple[str, Strike]:
    seconds, side = chance.choice([2.0, 20.0, 120.0]), chance.choice([BEFORE, AFTER])

    def strike(executor: Executor) -> None:
        executor.cut_until, executor.cut_side = executor.clock.monotonic() + seconds, side

    return f"cut off for {seconds:g} s, {side} its requests arrive, {point}", (point, strike)

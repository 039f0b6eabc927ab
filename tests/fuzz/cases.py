"""Cases by number: the same seed and number make the same input, and every case has one of few ends."""

from __future__ import annotations

import math
import resource
import signal
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Final

from rebalancer.errors import RebalancerError
from tests.fuzz.mutations import garbled, mutated
from tests.fuzz.targets import TARGETS

SECONDS: Final = 20
"""How long a case may take; nearly all take less than a millisecond."""
MOST_RSS_KIB: Final = 300 << 10
"""Memory of the process, program and libraries included."""
GROWTH_KIB: Final = 64 << 10
"""How much more a process may take that had more to begin with."""
LOOK_EACH: Final = 100
"""Cases between two looks at the memory."""
LONGEST: Final = 1000
"""Characters of a sentence, at most."""
_NAMES: Final = tuple(name for name, target in TARGETS.items() for _ in range(target.weight))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An input for one target."""

    number: int
    target: str
    content: bytes


class TookTooLong(BaseException):
    """A case was not at its end in time; no handler of errors takes it for its own."""


def case_of(seed: int, number: int) -> Case:
    """The case *number* of *seed*: in two thirds of them the structure is wrong, in the others the bytes."""
    chance = Random(f"{seed}:{number}")
    name = chance.choice(_NAMES)
    target = TARGETS[name]
    base, tree = chance.choice(target.ready())
    if chance.random() < 2 / 3:
        return Case(number=number, target=name, content=target.write(mutated(tree, chance)))
    return Case(number=number, target=name, content=garbled(base, chance))


def end_of(case: Case) -> str:
    """How reading the case ended: `read` or `refused`; everything else is a finding, with the traceback."""
    _CLOCK.began = time.monotonic()
    try:
        TARGETS[case.target].read(case.content)
    except RebalancerError as error:
        return _of_sentence(str(error))
    except TookTooLong:
        return f"took longer than {SECONDS} s"
    except BaseException:  # noqa: BLE001 - whatever it is, it is what is looked for
        return traceback.format_exc(limit=-6)
    finally:
        _CLOCK.began = math.inf
    return "read"


def _of_sentence(words: str) -> str:
    if len(words) >= LONGEST or not words.isprintable():
        return f"a sentence of {len(words)} characters, or of more than a line: {words[:300]!r}"
    return "refused"


class _Clock:
    """When the case that is read began; looked at once a second, because asking the system takes longer than a case."""

    began = math.inf

    def look(self, _number: int, _frame: object) -> None:
        """End a case that takes too long."""
        if time.monotonic() - self.began > SECONDS:
            raise TookTooLong


_CLOCK: Final = _Clock()


@contextmanager
def timed() -> Iterator[None]:
    """Cases that are read in this block end in time."""
    before = signal.signal(signal.SIGALRM, _CLOCK.look)
    signal.setitimer(signal.ITIMER_REAL, 1, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _peak() -> int:
    """KiB of memory that this process had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _grown(most: int) -> str:
    """How the process has grown beyond *most* KiB, in words; "" where it has not."""
    peak = _peak()
    return f"memory has grown to {peak >> 10} MiB by this case" if peak > most else ""


def run(seed: int, numbers: Iterable[int], tell: Callable[[Case, str], None]) -> dict[str, int]:
    """Read the cases *numbers* of *seed*, and *tell* of each finding; how many were read, refused or found."""
    ends = {"read": 0, "refused": 0, "found": 0}
    # A process that did other things before had its own memory for them.
    most = max(MOST_RSS_KIB, _peak() + GROWTH_KIB)
    with timed():
        for number in numbers:
            case = case_of(seed, number)
            end = (number % LOOK_EACH == 0 and _grown(most)) or end_of(case)
            ends[end if end in ends else "found"] += 1
            if end not in ends:
                tell(case, end)
    return ends

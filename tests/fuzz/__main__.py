"""Fuzz everything that is read from outside: `python -m tests.fuzz --cases 1000000 --seed 1`.

Each case is an input that was right and has one to four things wrong, by structure or by bytes; see `mutations`. It is
read by the function that commands use. Whatever is neither read nor refused in one sentence is printed with its number,
kept as a file, and the end is 1 then. `python -m tests.fuzz build/fuzz/…` reads such files again.
"""

from __future__ import annotations

import multiprocessing
import resource
import shutil
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator
from ctypes import c_long
from multiprocessing.connection import Connection, Pipe, wait
from multiprocessing.sharedctypes import RawValue
from pathlib import Path

from tests.fuzz.bases import folder
from tests.fuzz.cases import SECONDS, Case, case_of, end_of, run, timed
from tests.fuzz.targets import TARGETS

FOUND = Path("build/fuzz")
AT_ONCE = 5000
"""Cases of one worker; then another takes over, so that what some leave behind is not blamed on others."""
SPARE_BYTES = 512 << 20
"""Address space that a worker may take on top of what its program and libraries have."""


def main() -> int:
    """Print how the cases ended; 1 where one was a finding."""
    wanted = _arguments()
    if wanted.files:
        return max(_again(path) for path in wanted.files)
    for target in TARGETS.values():
        target.ready()
    began, ends = time.monotonic(), Counter[str]()
    for found in _pieces(wanted):
        ends.update(found)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{ends.total()} of {wanted.cases}, {ends['found']} found")
    seconds = time.monotonic() - began
    counts = ", ".join(f"{ends[end]} {end}" for end in ("read", "refused", "found"))
    sys.stdout.write(f"{ends.total()} cases of seed {wanted.seed}: {counts}; {ends.total() / seconds:.0f} a second\n")
    return int(ends["found"] > 0)


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="read these again, instead of new cases")
    parser.add_argument("--cases", type=int, default=20_000, help="how many inputs to read")
    parser.add_argument("--seed", type=int, default=1, help="of the chance")
    parser.add_argument("--jobs", type=int, default=1, help="how many at once")
    return parser.parse_args()


def _pieces(wanted: Namespace) -> Iterator[dict[str, int]]:
    """How the cases of each piece ended; a worker that died is a finding, and another goes on after its last case."""
    left = [range(first, min(first + AT_ONCE, wanted.cases)) for first in range(0, wanted.cases, AT_ONCE)][::-1]
    working: dict[Connection, _Worker] = {}
    while left or working:
        while left and len(working) < wanted.jobs:
            worker = _Worker(wanted.seed, left.pop())
            working[worker.answer] = worker
        ready = wait(list(working), timeout=SECONDS * 2)
        for worker in [
            working[answer] for answer in working if answer in ready or (not ready and working[answer].hangs())
        ]:
            del working[worker.answer]
            found, rest = worker.ended()
            left += [rest] if rest else []
            yield found


class _Worker:
    """A process that reads *numbers* of *seed*, and tells what it does in memory that outlives it."""

    def __init__(self, seed: int, numbers: range) -> None:
        self._seed, self._numbers, self._at = seed, numbers, RawValue(c_long, numbers.start)
        self._seen = -1
        self.answer, other = Pipe(duplex=False)
        self._process = multiprocessing.get_context("fork").Process(target=self._work, args=(other,))
        self._process.start()
        other.close()

    def _work(self, answer: Connection) -> None:
        size = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + SPARE_BYTES,) * 2)
        answer.send(run(self._seed, self._told(), _keep))
        shutil.rmtree(folder(), ignore_errors=True)

    def _told(self) -> Iterator[int]:
        for number in self._numbers:
            self._at.value = number
            yield number

    def hangs(self) -> bool:
        """Whether it is at the case at which it was when this was asked last; then Python's own alarm is not heard."""
        before, self._seen = self._seen, self._at.value
        if hangs := self._seen == before:
            self._process.kill()
        return hangs

    def ended(self) -> tuple[dict[str, int], range]:
        """How its cases ended, and which it did not come to."""
        try:
            found = self.answer.recv()
        except EOFError:
            self._process.join()
            number = self._at.value
            _keep(case_of(self._seed, number), f"the process died (exit code {self._process.exitcode})")
            return {"found": 1, "read": number - self._numbers.start}, range(number + 1, self._numbers.stop)
        self._process.join()
        return found, range(0)


def _keep(case: Case, end: str) -> None:
    """Print what was found, and keep the input as a file."""
    FOUND.mkdir(parents=True, exist_ok=True)
    path = FOUND / f"{case.target}-{case.number}"
    path.write_bytes(case.content)
    sys.stdout.write(f"{path}: {end.strip()}\n")
    sys.stdout.flush()


def _again(path: Path) -> int:
    """How it ends now."""
    name, _, number = path.name.rpartition("-")
    with timed():
        end = end_of(Case(number=int(number), target=name, content=path.read_bytes()))
    sys.stdout.write(f"{path}: {end.strip()}\n")
    return int(end not in {"read", "refused"})


if __name__ == "__main__":
    sys.exit(main())

"""A plan rehearsed many times: what came of each run, and of all together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Final

from rebalancer.errors import InputError
from rebalancer.inventory import Pool
from rebalancer.plan import Plan
from rebalancer.rehearse.chance import fault_for, kinds_for
from rebalancer.rehearse.records import simulated_pool
from rebalancer.rehearse.stage import RehearsalStage
from rebalancer.rehearse.take import FinalPlace, Take
from rebalancer.simulator import FAULTS, SimulatedPool

TENTHS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSeconds:
    """How long runs took that made every step, in seconds."""

    least: float
    median: float
    most_of: float
    """Nine of ten took no longer."""
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ByFault:
    """What came of the runs in which one kind of fault struck.

    Args:
        kind: of the fault.
        runs: in how many it struck.
        complete: how many made every step all the same.
        endings: how the others ended, by name, with their numbers.
        vms: how many VMs of the plan were left where it does not lead, halted, elsewhere or gone.
        lost: how many guests in all do not run any more.
        unknown: how many VMs of which the run could not tell where they are.
        resumed: how many of the others were complete once they were gone on with.
        taken_back: for how many of the others there was a way back for every VM.
    """

    kind: str
    runs: int
    complete: int
    endings: tuple[tuple[str, int], ...]
    vms: tuple[tuple[str, int], ...]
    lost: int
    unknown: int
    resumed: int
    taken_back: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What came of rehearsing a *plan*: one take a run, in their order; the same *seed* gives the same takes."""

    plan: Plan
    seed: int
    takes: tuple[Take, ...]

    @property
    def spread(self) -> RunSeconds | None:
        """How long the runs took that made every step; None where none did."""
        seconds = sorted(take.first.seconds for take in self.takes if take.first.complete)
        if not seconds:
            return None
        late = quantiles(seconds, n=TENTHS, method="inclusive")[-1] if len(seconds) > 1 else seconds[0]
        return RunSeconds(least=seconds[0], median=median(seconds), most_of=late, most=seconds[-1])

    @property
    def endings(self) -> tuple[tuple[str, int], ...]:
        """How the runs ended, by name, the most frequent first."""
        return _counted(take.first.name for take in self.takes)

    @property
    def troubles(self) -> tuple[tuple[str, int], ...]:
        """Which steps did not end well, and in how many runs, the most frequent first."""
        return _counted(take.trouble for take in self.takes if take.trouble is not None)

    @property
    def by_fault(self) -> tuple[ByFault, ...]:
        """What came of each kind of fault that struck."""
        kinds: dict[str, list[Take]] = {}
        for take in self.takes:
            if take.fault is not None and take.struck:
                kinds.setdefault(take.fault.kind, []).append(take)
        return tuple(_by_fault(kind, takes) for kind, takes in sorted(kinds.items()))

    @property
    def missed(self) -> int:
        """In how many runs the fault that was to strike never had an occasion."""
        return sum(take.fault is not None and not take.struck for take in self.takes)


def _counted(names: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """How often each name is there, the most frequent first."""
    return tuple(sorted(Counter(names).items(), key=lambda pair: (-pair[1], pair[0])))


def _by_fault(kind: str, takes: Sequence[Take]) -> ByFault:
    stopped = [take for take in takes if not take.first.complete]
    strays = {FinalPlace.ELSEWHERE, FinalPlace.HALTED, FinalPlace.GONE}
    return ByFault(
        kind=kind,
        runs=len(takes),
        complete=len(takes) - len(stopped),
        endings=_counted(take.first.name for take in stopped),
        vms=_counted(where.value for take in takes for where in take.vms.values() if where in strays),
        lost=sum(len(take.lost) for take in takes),
        unknown=sum(len(take.unknown) for take in takes),
        resumed=sum(take.resumed is not None and take.resumed.complete for take in stopped),
        taken_back=sum(take.back is not None and take.back.whole for take in stopped),
    )


def rehearse(
    plan: Plan,
    pool: Pool,
    *,
    faults: Sequence[str] = (),
    runs: int = 100,
    seed: int = 1,
    tell: Callable[[int], None] = lambda _done: None,
) -> Rehearsal:
    """Carry *plan* out *runs* times against simulated pools that are like *pool*, in a time of their own.

    Example:
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> state = rb.read("pool.json.gz")
        >>> rb.rehearse.rehearse(plan, state.pool, runs=2, faults=["move-fails"]).endings
        (('set_aside', 2),)

    Args:
        plan: as it was made or read back.
        pool: as the plan found it.
        faults: kinds of faults, of which one strikes each run, in turn; none for runs in which all goes well.
        runs: how many.
        seed: of the chance.
        tell: hears how many runs are over.

    Raises:
        InputError: the plan has no steps, is for two pools or for another one, or there is no such fault.
    """
    _assert_playable(plan, pool, faults)
    staged = simulated_pool(pool)
    kinds = kinds_for(plan, faults)
    takes = []
    for number in range(runs):
        takes.append(_take(plan, staged, number, kinds, seed))
        tell(number + 1)
    return Rehearsal(plan=plan, seed=seed, takes=tuple(takes))


def _take(plan: Plan, staged: SimulatedPool, number: int, kinds: Sequence[str], seed: int) -> Take:
    random = Random(f"{seed}:{number}")
    with TemporaryDirectory() as folder:
        stage = RehearsalStage(plan, staged, random, Path(folder))
        fault = fault_for(plan, kinds[number % len(kinds)], staged, random) if kinds else None
        return stage.play(number, fault)


def _assert_playable(plan: Plan, pool: Pool, faults: Sequence[str]) -> None:
    if not plan.steps:
        raise InputError("the plan", "it has no steps, so that there is nothing to rehearse", "Make another one")
    if plan.made_from.beside:
        raise InputError("the plan", "it is for two pools, and a rehearsal plays one", "Rehearse plans for one pool")
    if not plan.made_from.is_of(pool):
        raise InputError(
            "the snapshot", f"it is of another pool, {pool.called}", "Name the one that the plan was made from"
        )
    for name in faults:
        if name not in FAULTS:
            raise InputError(
                f"--faults {name}", "no fault is called that", "See `rebalancer simulate demo --fault list`"
            )

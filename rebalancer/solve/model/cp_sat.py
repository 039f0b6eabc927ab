"""Calls of CP-SAT: what they may cost, what came out."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import Enum

from ortools.sat.python import cp_model

from rebalancer.policy import LimitsPolicy
from rebalancer.solve.instance.instance import Ints
from rebalancer.solve.model.objective_terms import Goal
from rebalancer.solve.model.placement_model import PlacementModel

WORK_PER_SECOND = 0.5
"""Work, in CP-SAT's deterministic seconds, that is done in a second also where another process shares the core."""


class Status(Enum):
    """How a search ended."""

    OPTIMAL = cp_model.OPTIMAL
    FOUND = cp_model.FEASIBLE
    IMPOSSIBLE = cp_model.INFEASIBLE
    NOTHING_FOUND = cp_model.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What a search may cost; the answer depends on `seconds` only where they cut it short.

    Args:
        deterministic: work of all workers, in CP-SAT's deterministic seconds.
        seconds: wall clock, the emergency brake.
        seed: of all random choices.
        gap: relative distance to the bound that is good enough.
        gap_pcpu_hours: distance to the first bound that is good enough once neighbourhoods had their share.
        presolve: whether the model is worth simplifying first.
        prove: whether to raise the bound first, by linear relaxations; it is the quickest way to a proof, and slow
            where there is none.
        cuts: whether linear relaxations get cuts, without which peaks say next to nothing in them.
    """

    deterministic: float
    seconds: float
    seed: int
    gap: float = 0.0
    gap_pcpu_hours: float = 0.0
    presolve: bool = True
    prove: bool = True
    cuts: bool = True

    @classmethod
    def quick(cls, work: float, until: float, *, seed: int, cuts: bool = False) -> Effort:
        """A search of a small model, for so much *work* and until a time of the monotonic clock."""
        seconds = max(0.05, until - time.monotonic())
        return cls(deterministic=work, seconds=seconds, seed=seed, presolve=False, prove=False, cuts=cuts)

    def part(self, share: float) -> Effort:
        """A share of the work and of the time."""
        return replace(self, deterministic=self.deterministic * share, seconds=self.seconds * share)

    def left(self, work: float, until: float) -> Effort:
        """What is left for *work*, until a time of the monotonic clock."""
        return replace(self, deterministic=max(0.05, work), seconds=max(0.1, until - time.monotonic()))


class Budget:
    """Work and time left; work decides, so that the same input gives the same answer, and the clock is the brake."""

    def __init__(self, limits: LimitsPolicy) -> None:
        self._left = limits.solve_seconds * WORK_PER_SECOND
        self._until = time.monotonic() + limits.solve_seconds
        self._limits = limits

    def share(self, tiers_left: int) -> Effort:
        """What the next tier may take: most of what is left, the rest for the tiers after it."""
        part = 1.0 if tiers_left == 1 else 0.7
        return Effort(
            deterministic=max(0.05, self._left * part),
            seconds=max(0.1, (self._until - time.monotonic()) * part),
            seed=self._limits.seed,
            gap=self._limits.gap,
            gap_pcpu_hours=self._limits.gap_pcpu_hours,
        )

    def spend(self, deterministic: float) -> None:
        """Work that is done."""
        self._left -= deterministic


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SolverAnswer:
    """What came out: the host of every unit (None where nothing was found), value and bound of the goal.

    `on_time` is false when the clock, not the work, ended the search.
    """

    status: Status
    at: Ints | None
    value: int
    bound: int
    deterministic: float
    on_time: bool

    @property
    def proved(self) -> bool:
        """Whether nothing better satisfies the model."""
        return self.status is Status.OPTIMAL


class SolverCall:
    """Minimises *goal* in *model*.

    Who passes *progress* hears of every better value, with the bound at that time; *raised* of every better bound.
    """

    def __init__(
        self,
        model: PlacementModel,
        goal: Goal,
        effort: Effort,
        *,
        progress: Callable[[int, int], None] | None = None,
        raised: Callable[[int], None] | None = None,
    ) -> None:
        self._model, self._goal, self._effort = model, goal, effort
        self._watcher = _Watcher(progress) if progress else None
        self._solver = _solver(effort)
        if raised:
            self._solver.best_bound_callback = lambda bound: raised(_rounded_up(bound))

    def run(self) -> SolverAnswer:
        """Search until the best is found or the effort is spent."""
        self._model.minimise(self._goal)
        status = self._solved()
        found = status in {Status.OPTIMAL, Status.FOUND}
        at = self._model.placement(self._solver.response_proto.solution) if found else None
        work = self._solver.deterministic_time
        return SolverAnswer(
            status=status,
            at=at,
            value=0 if at is None else self._model.value(self._goal, at),
            bound=_rounded_up(self._solver.best_objective_bound) if self._goal.variables else self._goal.offset,
            deterministic=work,
            on_time=status in {Status.OPTIMAL, Status.IMPOSSIBLE} or work >= 0.98 * self._effort.deterministic,
        )

    def _solved(self) -> Status:
        """What CP-SAT says; long searches run in a thread, so that Ctrl-C ends them at once."""
        if not self._effort.presolve:
            return Status(self._solver.solve(self._model.writer.model(), self._watcher))
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="search") as thread:
            running = thread.submit(self._solver.solve, self._model.writer.model(), self._watcher)
            try:
                return Status(running.result())
            except KeyboardInterrupt:
                self.stop()
                raise

    def stop(self) -> None:
        """End a search that runs in another thread."""
        self._solver.stop_search()


def search(
    model: PlacementModel, goal: Goal, effort: Effort, *, progress: Callable[[int, int], None] | None = None
) -> SolverAnswer:
    """What a `SolverCall` finds."""
    return SolverCall(model, goal, effort, progress=progress).run()


def _rounded_up(bound: float) -> int:
    return -int(-bound // 1)


def _solver(effort: Effort) -> cp_model.CpSolver:
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.catch_sigint_signal = False
    solver.parameters.optimize_with_lb_tree_search = effort.prove
    solver.parameters.linearization_level = 2 if effort.cuts else 1
    solver.parameters.max_deterministic_time = effort.deterministic
    solver.parameters.max_time_in_seconds = effort.seconds
    solver.parameters.random_seed = effort.seed % 2**31
    solver.parameters.relative_gap_limit = effort.gap
    solver.parameters.cp_model_presolve = effort.presolve
    if not effort.presolve:
        solver.parameters.symmetry_level = 0
        solver.parameters.cp_model_probing_level = 0
    return solver


class _Watcher(cp_model.CpSolverSolutionCallback):
    def __init__(self, progress: Callable[[int, int], None]) -> None:
        super().__init__()
        self._progress = progress

    def on_solution_callback(self) -> None:
        self._progress(round(self.objective_value), _rounded_up(self.best_objective_bound))

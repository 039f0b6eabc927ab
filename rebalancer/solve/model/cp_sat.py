"""Calls of CP-SAT, and what came out."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum

from ortools.sat.python import cp_model

from rebalancer.solve.exact.solver import one_worker
from rebalancer.solve.instance.instance import Ints
from rebalancer.solve.model.effort import READING_WORK, ROWS_WORK, Effort
from rebalancer.solve.model.objective_terms import Goal
from rebalancer.solve.model.placement_model import PlacementModel

LEAST_SECONDS = 0.05
"""What a search gets once the clock has ended it: enough to read the answer that it starts from."""


class Status(Enum):
    """How a search ended."""

    OPTIMAL = cp_model.OPTIMAL
    FOUND = cp_model.FEASIBLE
    IMPOSSIBLE = cp_model.INFEASIBLE
    NOTHING_FOUND = cp_model.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SolverAnswer:
    """What came out: the host of every unit (None where nothing was found), value and bound of the goal.

    `deterministic` is the work that it took, reading the model included; `on_time` is false when the clock, not the
    work, ended the search.
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
        work, writer = self._solver.deterministic_time, self._model.writer
        return SolverAnswer(
            status=status,
            at=at,
            value=0 if at is None else self._model.value(self._goal, at),
            bound=_rounded_up(self._solver.best_objective_bound) if self._goal.variables else self._goal.offset,
            deterministic=work + READING_WORK * writer.terms + ROWS_WORK * writer.rows,
            on_time=status in {Status.OPTIMAL, Status.IMPOSSIBLE} or self._effort.ended_by(work),
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
    solver = one_worker()
    solver.parameters.optimize_with_lb_tree_search = effort.prove
    solver.parameters.linearization_level = 2 if effort.cuts else 1
    solver.parameters.max_deterministic_time = effort.deterministic
    solver.parameters.max_time_in_seconds = max(LEAST_SECONDS, effort.until.left)
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

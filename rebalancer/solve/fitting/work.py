"""What one search may do, and what it may cost."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from ortools.sat.python import cp_model

from rebalancer.solve.exact.solver import one_worker
from rebalancer.solve.fitting.question import Bools, Question
from rebalancer.solve.model import effort


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Whether others may be moved, the seconds of work, and the seed of all random choices."""

    rearrange: bool
    seconds: float
    seed: int

    def part(self, share: float) -> Work:
        """The same with a share of the work."""
        return replace(self, seconds=self.seconds * share)

    def allowed(self, question: Question) -> Bools:
        """Where each VM may be, its home included, shape (VMs, hosts)."""
        return question.allowed if self.rearrange else np.eye(question.hosts, dtype=np.bool_)[question.home]

    def solver(self) -> cp_model.CpSolver:
        """A solver that does no more than that."""
        solver = one_worker()
        solver.parameters.max_deterministic_time = self.seconds * effort.WORK_PER_SECOND
        solver.parameters.max_time_in_seconds = self.seconds * effort.CEILING
        solver.parameters.random_seed = self.seed
        return solver

"""How CP-SAT is started, wherever a model is solved."""

from __future__ import annotations

from ortools.sat.python import cp_model


def one_worker() -> cp_model.CpSolver:
    """A solver of one thread, whose answers depend on its seed and work alone.

    It leaves signals alone: CP-SAT would take SIGINT for itself, and leave behind that it kills the process.
    """
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.catch_sigint_signal = False
    return solver

"""CP-SAT is started in one place, where it is told to leave signals alone."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.conftest import ROOT

SOLVES = """
import signal
from ortools.sat.python import cp_model
from rebalancer.solve.exact.solver import one_worker
model = cp_model.CpModel()
model.new_bool_var("")
one_worker().solve(model)
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_ctrl_c_is_an_interrupt_after_a_search() -> None:
    """CP-SAT by itself would leave behind that the process dies of it, without a word."""
    ended = subprocess.run(
        [sys.executable, "-c", f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n{SOLVES}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (ended.returncode, ended.stdout) == (0, "interrupted\n")


def test_solvers_are_made_in_one_place() -> None:
    """Whoever solves asks it for a solver."""
    made = {
        path.relative_to(ROOT).as_posix()
        for room in ("rebalancer", "benchmarks")
        for path in (ROOT / room).rglob("*.py")
        if re.search(r"\bCpSolver\(\)", path.read_text(encoding="utf-8"))
    }
    assert made == {"rebalancer/solve/exact/solver.py"}

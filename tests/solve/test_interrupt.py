"""Searches can be ended by people."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from pathlib import Path
from benchmarks.neutral import RULES, problem_of, read_instance
from rebalancer.rules import Rulebook
from rebalancer.solve import SolveReporter, solve

class Ready(SolveReporter):
    def progress(self, objective, value, bound):
        print("at work", flush=True)

try:
    problem = problem_of(read_instance(Path(sys.argv[1])), seconds=60, seed=1)
    solve(Rulebook(problem, RULES), reporter=Ready())
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.slow
def test_ctrl_c_ends_a_search_as_it_ends_any_python_program(shared_data: Callable[[str], Path]) -> None:
    """While both threads search, the interrupt reaches the caller within seconds, and nothing is left running."""
    path = shared_data("instances/32x600-h.json.gz")
    command = [sys.executable, "-c", PROGRAM, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "at work\n"
        running.send_signal(signal.SIGINT)
        said, _ = running.communicate(timeout=300)
    assert said.endswith("interrupted\n")
    assert running.returncode == 0

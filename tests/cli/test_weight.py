"""What a command loads, and how soon it answers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rebalancer.export import write_plan
from rebalancer.simulator import Simulator
from tests.cli.conftest import POOL
from tests.cli.terminal import PASSWORD, ROOT, USER, Served, as_process

HELP_SECONDS = 0.5
HEAVY = {"ortools", "pandas", "matplotlib", "networkx", "numpy", "XenAPI"}
SCRIPT = """
import json, os, sys
from rebalancer.cli import main
sys.argv = ["rebalancer", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    loaded = sorted({name.partition(".")[0] for name in sys.modules})
    print(json.dumps({"code": end.code or 0, "loaded": loaded}), file=sys.stderr)
"""


def loaded_by(*words: object, cwd: Path) -> set[str]:
    """The packages that are loaded by the end of a command that ends well."""
    environment = {"REBALANCER_USER": USER, "REBALANCER_PASSWORD": PASSWORD, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, words)],
        cwd=cwd,
        env=environment | {"XDG_STATE_HOME": str(cwd)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    told = json.loads(done.stderr.rstrip().rpartition("\n")[2])
    assert told["code"] == 0, done.stderr
    return set(told["loaded"])


@pytest.mark.parametrize("words", [["--help"], ["plan", "--help"], ["policy", "check", "--help"]], ids=" ".join)
def test_help_is_light(words: list[str], tmp_path: Path) -> None:
    """Help loads neither solver nor data frames, plots or arrays."""
    assert loaded_by(*words, cwd=tmp_path) & HEAVY == set()


def test_help_is_quick(tmp_path: Path) -> None:
    """The best of five, because the machine may be busy."""
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        assert as_process("--help", cwd=tmp_path).returncode == 0
        times.append(time.perf_counter() - begun)
    assert min(times) < HELP_SECONDS


@pytest.mark.parametrize("command", ["check", "explain", "show", "verify"])
def test_no_solver_where_none_is_needed(served: Served, tmp_path: Path, command: str) -> None:
    """These commands run without the solver, so that its verdict is never its own; nor do they load data frames."""
    write_plan(served.plan, tmp_path / "plan")
    vm = served.plan.steps[0].vm_name
    words: dict[str, list[object]] = {
        "check": [served.snapshot],
        "explain": [served.snapshot, vm],
        "show": ["plan"],
        "verify": ["plan", served.snapshot],
    }
    loaded = loaded_by(command, *words[command], cwd=tmp_path)
    assert loaded & {"ortools", "pandas", "matplotlib"} == set()


def test_a_run_needs_no_solver(served: Served, tmp_path: Path) -> None:
    """Neither does carrying a plan out."""
    write_plan(served.plan, tmp_path / "plan")
    with Simulator(POOL, user=USER, password=PASSWORD, speed=500.0, login_delay=0.0) as own:
        loaded = loaded_by("apply", "plan", own.url, cwd=tmp_path)
    assert "XenAPI" in loaded
    assert loaded & {"ortools", "pandas", "matplotlib"} == set()

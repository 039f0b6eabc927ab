"""What a command loads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rebalancer.export import write_plan
from rebalancer.simulator import Simulator
from tests.cli.conftest import POOL
from tests.cli.terminal import PASSWORD, ROOT, USER, Served

HEAVY = {"XenAPI", "cryptography", "httpx", "matplotlib", "networkx", "numpy", "ortools", "pandas", "pyarrow"}
SHOWS = 166
"""Modules of this package that showing a plan may load."""
SCRIPT = """
import json, os, sys
from rebalancer.cli import main
sys.argv = ["rebalancer", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    loaded = sorted(sys.modules)
    print(json.dumps({"code": end.code or 0, "loaded": loaded}), file=sys.stderr)
"""


def modules_of(*words: object, cwd: Path) -> set[str]:
    """The modules that are loaded by the end of a command that ends well."""
    environment = {"REBALANCER_USER": USER, "REBALANCER_PASSWORD": PASSWORD, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, words)],
        cwd=cwd,
        env=environment | {"XDG_STATE_HOME": str(cwd)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    told = json.loads(done.stderr.rstrip().rpartition("\n")[2])
    assert told["code"] == 0, done.stderr
    return set(told["loaded"])


def packages(modules: set[str]) -> set[str]:
    """The packages of *modules*."""
    return {name.partition(".")[0] for name in modules}


def rooms(modules: set[str]) -> list[str]:
    """The room of each module of this package among *modules*."""
    return [name.split(".")[1] for name in modules if name.startswith("rebalancer.")]


@pytest.mark.parametrize("words", [["--help"], ["plan", "--help"], ["policy", "check", "--help"]], ids=" ".join)
def test_help_is_light(words: list[str], tmp_path: Path) -> None:
    """Help loads the command line, how connections are named, errors and words, and nothing heavy."""
    modules = modules_of(*words, cwd=tmp_path)
    assert packages(modules) & HEAVY == set()
    assert set(rooms(modules)) == {"cli", "errors", "face", "sanitise", "units", "version"}


def test_to_show_a_plan_is_light(served: Served, tmp_path: Path) -> None:
    """Showing a plan loads values and words: no rule, no objective, nothing that judges, nothing heavy."""
    write_plan(served.plan, tmp_path / "plan")
    modules = modules_of("show", "plan", cwd=tmp_path)
    assert packages(modules) & HEAVY == set()
    found = rooms(modules)
    assert set(found).isdisjoint({"demand", "describe", "legality", "objectives", "problem", "rules", "verify"})
    assert len(found) <= SHOWS


@pytest.mark.parametrize("command", ["check", "explain", "verify"])
def test_no_solver_where_none_is_needed(served: Served, tmp_path: Path, command: str) -> None:
    """These commands run without the solver, so that its verdict is never its own; nor do they load data frames."""
    write_plan(served.plan, tmp_path / "plan")
    vm = served.plan.steps[0].vm_name
    words: dict[str, list[object]] = {
        "check": [served.snapshot],
        "explain": [served.snapshot, vm],
        "verify": ["plan", served.snapshot],
    }
    loaded = packages(modules_of(command, *words[command], cwd=tmp_path))
    assert loaded & {"ortools", "pandas", "matplotlib"} == set()


def test_a_run_needs_no_solver(served: Served, tmp_path: Path) -> None:
    """Neither does carrying a plan out."""
    write_plan(served.plan, tmp_path / "plan")
    with Simulator(POOL, user=USER, password=PASSWORD, speed=500.0, login_delay=0.0) as own:
        loaded = packages(modules_of("apply", "plan", own.url, cwd=tmp_path))
    assert "XenAPI" in loaded
    assert loaded & {"ortools", "pandas", "matplotlib"} == set()

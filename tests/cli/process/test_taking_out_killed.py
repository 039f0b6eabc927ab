"""Maintenance mode that is killed: the same command goes on, and the host comes back."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.simulator import Simulator
from tests.cli.in_maintenance import ALLOWED, POOL, guests, is_enabled, member
from tests.cli.terminal import PASSWORD, ROOT, USER, Terminal

PATIENCE = 120.0


def is_disabled(simulator: Simulator, name: str, _before: set[str]) -> bool:
    """The host is out of service."""
    return not is_enabled(simulator, name)


def has_moved(simulator: Simulator, name: str, before: set[str]) -> bool:
    """A VM has left."""
    return guests(simulator, name) != before


@pytest.mark.slow
@pytest.mark.parametrize("moment", [is_disabled, has_moved])
def test_what_was_killed_goes_on(moment: Callable[[Simulator, str, set[str]], bool], terminal: Terminal) -> None:
    """Right after the host was disabled, or between two migrations: no VM is lost, and all are home in the end."""
    policy = terminal.write("m.toml", ALLOWED)
    with Simulator(POOL, user=USER, password=PASSWORD, speed=10.0, login_delay=0.0) as simulator:
        name = member(simulator)
        before = guests(simulator, name)
        words = ["evacuate", simulator.url, name, "--execute", "-p", str(policy), "--state-dir", "state"]
        run = subprocess.Popen(
            [sys.executable, "-m", "rebalancer", *words],
            cwd=terminal.folder,
            env=os.environ | {"REBALANCER_USER": USER, "REBALANCER_PASSWORD": PASSWORD, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + PATIENCE
        while not moment(simulator, name, before) and run.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        assert run.poll() is None, "it ended before it could be killed"
        run.kill()
        run.wait()
        assert not is_enabled(simulator, name)
        ended = terminal.run(*words)
        assert (ended.code, guests(simulator, name)) == (Exit.DONE, set()), ended.err
        back = terminal.run("return", simulator.url, name, "-p", policy, "--state-dir", "state")
        assert (back.code, is_enabled(simulator, name), guests(simulator, name)) == (Exit.DONE, True, before), back.err

"""A small quiet pool of which hosts go to sleep, and what it shows of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rebalancer.simulator import Simulator, generate_pool
from tests.cli.terminal import PASSWORD, USER

POOL = generate_pool(hosts=3, vms=3, seed=5, fill=0.1, pinned=0.0, cpus=16)
WORDS = 'power = ["disable", "shutdown", "power-on"]\n'
ALLOWED = 'name = "saving"\nmode = "consolidate"\n[limits]\nsolve_seconds = 5\n[execution]\n' + WORDS
EAGER = ALLOWED + "[sleep]\nmargin_hosts = 0\nboot_minutes = 5\nrest_hours = 0\n"
"""Hosts go to sleep as soon as they may."""


def quiet_pool(now: float | None = None) -> Simulator:
    """The pool, to be entered as a context; each of its hosts can be switched on. Its clock shows *now* at first."""
    simulator = Simulator(POOL, user=USER, password=PASSWORD, speed=500.0, login_delay=0.0, now=now)
    for ref, _ in simulator.database.items("host"):
        simulator.database.change("host", ref, power_on_mode="wake-on-lan")
    return simulator


def shown(simulator: Simulator) -> dict[str, tuple[bool, bool]]:
    """Whether each host is live, and enabled, by name."""
    database = simulator.database
    return {
        host["name_label"]: (database.get("host_metrics", host["metrics"])["live"], host["enabled"])
        for _, host in database.items("host")
    }


def off(simulator: Simulator) -> list[str]:
    """The names of the hosts that are off."""
    return sorted(name for name, (live, _) in shown(simulator).items() if not live)


def stages(folder: Path) -> list[str]:
    """What was written down in the state folder *folder*, in order."""
    (path,) = folder.glob("power/*/hosts.jsonl")
    notes: list[dict[str, Any]] = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [note["stage"] for note in notes[1:]]

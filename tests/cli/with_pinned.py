"""A small pool in which two VMs of a member cannot leave it, and may be shut down meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rebalancer.simulator import Simulator, generate_pool
from rebalancer.simulator.calls.dispatch import Dispatcher
from tests.cli.in_maintenance import guests
from tests.cli.terminal import PASSWORD, USER, Ended, Terminal

POOL = generate_pool(hosts=3, vms=15, seed=5, fill=0.35, pinned=0.0, cpus=8)
PINNED = {"pool_migrate": "licence", "migrate_send": "licence"}
HOST = "ash"
"""The member whose VMs are pinned."""
WORDS = ["disable", "reboot", "shutdown-vm", "start-vm"]


@contextmanager
def pool_with_pinned() -> Iterator[Simulator]:
    """A small pool of its own that starts VMs with their hosts; a host boots in a moment."""
    with Simulator(POOL, user=USER, password=PASSWORD, speed=500.0, login_delay=0.0) as simulator:
        ((ref, pool),) = simulator.database.items("pool")
        simulator.database.change("pool", ref, other_config={**pool["other_config"], "auto_poweron": "true"})
        yield simulator


def pin(own: Simulator) -> list[str]:
    """Two VMs of a member that cannot leave it; high availability would restart the first, the second starts first."""
    first, second, *_ = sorted(guests(own, HOST))
    for vm, fields in ((first, {"ha_restart_priority": "restart", "order": "2"}), (second, {"order": "1"})):
        own.database.change("VM", vm, blocked_operations=PINNED, **fields)
    return [first, second]


def policy_for(own: Simulator, terminal: Terminal, pinned: list[str], words: list[str]) -> Path:
    """A policy that names the VMs, with these words in `execution.power`."""
    names = [own.database.get("VM", vm)["name_label"] for vm in pinned]
    listed = ", ".join(f'"{name}"' for name in names)
    power = ", ".join(f'"{word}"' for word in words)
    text = f'name = "p"\n[limits]\nsolve_seconds = 1\n[execution]\npower = [{power}]\n'
    return terminal.write("p.toml", f"{text}[rolling]\nshut_down = [{listed}]\nshutdown_minutes = 5\n")


def roll(own: Simulator, terminal: Terminal, policy: Path, *more: str) -> Ended:
    """Type `rolling --execute` for the host of the pinned VMs."""
    words = ["--execute", "--shut-down-pinned", "-p", policy, "--state-dir", "s", *more]
    return terminal.run("rolling", own.url, HOST, *words)


def auto_power_on(own: Simulator) -> str:
    """What stands in the pool."""
    ((_, pool),) = own.database.items("pool")
    return str(pool["other_config"].get("auto_poweron", ""))


def listen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """The calls that reach a simulator from now on, with their first argument."""
    calls: list[tuple[str, Any]] = []
    answer = Dispatcher.call

    def call(self: Dispatcher, host_ref: str, method: str, params: list[Any]) -> tuple[str, Any]:
        calls.append((method, params[1] if len(params) > 1 else None))
        return answer(self, host_ref, method, params)

    monkeypatch.setattr(Dispatcher, "call", call)
    return calls

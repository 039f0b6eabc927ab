"""Policies under which all hosts of a small pool are worked on, and what the pool shows of that."""

from __future__ import annotations

from rebalancer.simulator import Simulator
from rebalancer.simulator.migration.boots import go_down
from tests.cli.in_maintenance import guests, ref_of

BASE = 'name = "update"\n[limits]\nsolve_seconds = 1\n[execution]\npower = '
BY_XAPI = BASE + '["disable", "reboot"]\n'
BY_OTHERS = BASE + '["disable"]\n'
NEWER = "99.0.0"


def names(simulator: Simulator) -> list[str]:
    """The names of all hosts."""
    return [host["name_label"] for _, host in simulator.database.items("host")]


def placement(simulator: Simulator) -> dict[str, set[str]]:
    """The guests of each host."""
    return {name: guests(simulator, name) for name in names(simulator)}


def boots(simulator: Simulator) -> dict[str, str]:
    """When each host has booted."""
    hosts = (host for _, host in simulator.database.items("host"))
    return {host["name_label"]: host["other_config"]["boot_time"] for host in hosts}


def reboot(simulator: Simulator, name: str) -> None:
    """Reboot a host as somebody at its console does, and wait until it is back."""
    before = boots(simulator)[name]
    go_down(simulator.world, ref_of(simulator, name), again=True)
    with simulator.database.changed:
        simulator.database.changed.wait_for(lambda: boots(simulator)[name] != before, timeout=60)

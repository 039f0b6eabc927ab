"""A small pool of which one host is taken out of service, and what it shows of that host."""

from __future__ import annotations

from rebalancer.simulator import Simulator, generate_pool

POOL = generate_pool(hosts=3, vms=9, seed=5, fill=0.35, pinned=0.0, cpus=8)
ALLOWED = 'name = "maintenance"\n[limits]\nsolve_seconds = 5\n[execution]\npower = ["disable"]\n'


def member(simulator: Simulator) -> str:
    """The name of a host that is not the coordinator, and that has guests."""
    rows = sorted((host["name_label"], ref) for ref, host in simulator.database.items("host"))
    return str(next(name for name, ref in rows if ref != simulator.world.coordinator and guests(simulator, name)))


def ref_of(simulator: Simulator, name: str) -> str:
    """The ref of a host."""
    return next(ref for ref, host in simulator.database.items("host") if host["name_label"] == name)


def guests(simulator: Simulator, name: str) -> set[str]:
    """The guests on a host."""
    host = ref_of(simulator, name)
    rows = simulator.database.all("VM").items()
    return {ref for ref, vm in rows if vm["resident_on"] == host and not vm["is_control_domain"]}


def is_enabled(simulator: Simulator, name: str) -> bool:
    """Whether a host is enabled."""
    return bool(simulator.database.get("host", ref_of(simulator, name))["enabled"])

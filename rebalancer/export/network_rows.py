"""Interfaces of VMs that go to another pool, and the networks there, as rows for people."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.plan import Step

NETWORK_COLUMNS = ("step", "VM", "to pool", "interface", "from network", "to network")


def network_rows(steps: Sequence[Step]) -> list[tuple[str, ...]]:
    """One row an interface, with the cells of `NETWORK_COLUMNS`; one for a VM without any."""
    return [row for step in steps if step.crossing for row in _rows(step)]


def _rows(step: Step) -> list[tuple[str, ...]]:
    crossing = step.crossing
    if crossing is None:
        return []
    head = (step.id, step.vm_name, crossing.pool_name or crossing.pool)
    return [(*head, each.device, each.source_name, each.target_name) for each in crossing.networks] or [
        (*head, "none", "-", "-")
    ]


def target_in_words(step: Step) -> str:
    """The host that a step leads to, with its pool where that is another one and its name does not say so."""
    pool = (step.crossing.pool_name or step.crossing.pool) if step.crossing else ""
    named = not pool or step.target_name.endswith(f"({pool})")
    return step.target_name if named else f"{step.target_name} (pool {pool})"

"""A legal order of moves by plain arithmetic on an instance: whoever fits goes, a third host helps when nobody does.

It is the benchmark's own, so that what the solver claims is not judged by the product's code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One migration."""

    vm: str
    source: str
    target: str


class NoOrderError(Exception):
    """Nobody can move, and no hop helps."""


def free_bytes(instance: Json, placement: Mapping[str, str]) -> dict[str, int]:
    """What every host has left under *placement*."""
    free = {host["id"]: host["memory_bytes"] - host["memory_reserved_bytes"] for host in instance["hosts"]}
    for vm in instance["vms"]:
        free[placement[vm["id"]]] -= vm["memory_bytes"]
    return free


def legal_order(instance: Json, goal: Mapping[str, str]) -> list[Migration]:
    """Migrations that lead to *goal*, each of which fits when it is made, largest first.

    Raises:
        NoOrderError: none was found.
    """
    at = {vm["id"]: vm["host"] for vm in instance["vms"]}
    size = {vm["id"]: vm["memory_bytes"] for vm in instance["vms"]}
    free = free_bytes(instance, at)
    waiting = sorted((vm for vm in at if at[vm] != goal[vm]), key=lambda vm: (-size[vm], vm))
    done: list[Migration] = []
    while waiting:
        chosen = next((vm for vm in waiting if size[vm] <= free[goal[vm]]), None)
        vm, target = (chosen, goal[chosen]) if chosen else _hop(instance, waiting, at, size, free)
        done.append(Migration(vm=vm, source=at[vm], target=target))
        free[at[vm]] += size[vm]
        free[target] -= size[vm]
        at[vm] = target
        waiting = [each for each in waiting if at[each] != goal[each]]
        if len(done) > 4 * len(at):
            raise NoOrderError(f"{len(waiting)} VMs wait for each other")
    return done


def _hop(
    instance: Json, waiting: list[str], at: Mapping[str, str], size: Mapping[str, int], free: Mapping[str, int]
) -> tuple[str, str]:
    """The smallest waiting VM that is not tied to hosts, to the host with most room.

    Raises:
        NoOrderError: it fits nowhere.
    """
    tied = {pin["vm"] for pin in instance["constraints"]["pinned"]}
    roomiest = max(free, key=lambda host: (free[host], host))
    able = [vm for vm in waiting if vm not in tied and at[vm] != roomiest and size[vm] <= free[roomiest]]
    if not able:
        raise NoOrderError(f"{len(waiting)} VMs wait for each other, and none can step aside")
    return min(able, key=lambda vm: (size[vm], vm)), roomiest

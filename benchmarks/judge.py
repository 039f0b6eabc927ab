"""What a placement is worth and whether it may be, by arithmetic on the instance alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.migrations import Json, Migration, free_bytes
from benchmarks.neutral import area, load_cost

GIB = 1024**3
ROUNDING_GIB = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an answer is worth.

    Args:
        area: load above 0.8 of hosts' pCPUs, summed over hosts and slots.
        cost: what that load costs by levels, in weighted pCPU-hours.
        moves: VMs moved.
        gib: GiB of them.
        broken: rules broken at the end.
        unfit: migrations that do not fit when they are made.
    """

    area: float
    cost: float
    moves: int
    gib: float
    broken: int
    unfit: int


def verdict(instance: Json, placement: Mapping[str, str], migrations: Sequence[Migration]) -> Verdict:
    """The figures of PEERS.md for one answer."""
    moved = [vm for vm in instance["vms"] if placement[vm["id"]] != vm["host"]]
    return Verdict(
        area=area(instance, placement),
        cost=load_cost(instance, placement),
        moves=len(moved),
        gib=sum(vm["memory_bytes"] for vm in moved) / GIB,
        broken=broken_rules(instance, placement),
        unfit=unfit_moves(instance, placement, migrations),
    )


def broken_rules(instance: Json, placement: Mapping[str, str]) -> int:
    """Groups and pins that *placement* breaks, hosts over their memory, and VMs that left their pool."""
    rules = instance["constraints"]
    pool = {host["id"]: host["pool"] for host in instance["hosts"]}
    astray = sum(pool[placement[vm["id"]]] != pool[vm["host"]] for vm in instance["vms"])
    pinned = sum(placement[pin["vm"]] not in pin["hosts"] for pin in rules["pinned"])
    over = sum(free < 0 for free in free_bytes(instance, placement).values())
    return broken_groups(instance, placement) + int(pinned + over + astray)


def broken_groups(instance: Json, placement: Mapping[str, str]) -> int:
    """Groups that *placement* breaks."""
    rules = instance["constraints"]
    apart = sum(len({placement[vm] for vm in group["vms"]}) < len(group["vms"]) for group in rules["anti_affinity"])
    together = sum(len({placement[vm] for vm in group["vms"]}) > 1 for group in rules["affinity"])
    return int(apart + together)


def unfit_moves(instance: Json, placement: Mapping[str, str], migrations: Sequence[Migration]) -> int:
    """Migrations that start where their VM is not or do not fit, and VMs that do not arrive."""
    at = {vm["id"]: vm["host"] for vm in instance["vms"]}
    size = {vm["id"]: vm["memory_bytes"] for vm in instance["vms"]}
    free = free_bytes(instance, at)
    unfit = 0
    for step in migrations:
        unfit += int(at[step.vm] != step.source or size[step.vm] > free[step.target])
        free[step.source] += size[step.vm]
        free[step.target] -= size[step.vm]
        at[step.vm] = step.target
    return unfit + sum(int(at[vm] != placement[vm]) for vm in at)


def false_claims(answer: Json, judged: Verdict) -> list[str]:
    """What an answer of `benchmarks.balance` says about itself that is not so, in words.

    The value of an answer without overload is its GiB; with overload left it cannot be told from the GiB alone.
    """
    value, bound, gap = answer["value"], answer["bound"], answer["gap"]
    checks = {
        f"value {value:.2f} is not its {judged.gib:.2f} GiB": abs(value - judged.gib) > ROUNDING_GIB > judged.area,
        f"bound {bound:.2f} is above the value {value:.2f}": bound > value + ROUNDING_GIB,
        f"proved with a gap of {gap:.2%}": answer["proved"] and gap > 0,
        f"gap {gap:.2%} is not the distance of value and bound": gap * value < value - bound - ROUNDING_GIB
        and not answer["proved"],
    }
    return [words for words, wrong in checks.items() if wrong]

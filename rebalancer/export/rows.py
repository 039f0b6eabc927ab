"""What goes along with the steps of a plan, what it leaves out, and what it changes, as rows for people."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.plan import HeldAsItIs, HostRow, Plan, SRRow, Step, StepKind
from rebalancer.plan.conditions import condition_lines
from rebalancer.units import duration_in_words, first_few, size_in_words

DISK_COLUMNS = ("step", "VM", "disk", "from SR", "to SR", "size")
HELD_COLUMNS = ("what", "name", "VMs", "why", "fix")
NETWORK_COLUMNS = ("step", "VM", "to pool", "interface", "from network", "to network")


def conditions(plan: Plan) -> list[str]:
    """A sentence for each objective of *plan* whose bound, or proof, holds under a condition."""
    return condition_lines(plan.tiers, plan.policy)


def held_rows(held: Sequence[HeldAsItIs]) -> list[tuple[str, ...]]:
    """One row for each of *held*, with the cells of `HELD_COLUMNS`."""
    what = {"host": "host", "vm": "VM"}
    return [
        (
            what.get(each.kind, each.kind),
            each.name,
            str(each.guests) if each.kind == "host" else "",
            each.words,
            each.fix,
        )
        for each in held
    ]


def clock_lines(plan: Plan) -> list[str]:
    """A sentence for each clock that was off when *plan* was made, for a log."""
    metrics = plan.made_from.metrics
    names = {row.uuid: row.name for row in plan.hosts}
    return list(metrics.clocks.sentences(names)) if metrics and metrics.clocks else []


def held_lines(held: Sequence[HeldAsItIs]) -> list[str]:
    """A sentence for each of *held*, for a log."""
    return [f"held as it is: {what} {name}: it {why}; fix: {fix}" for what, name, _, why, fix in held_rows(held)]


def memory_total(size_bytes: int | None) -> str:
    """What guests may hold on a host, in words."""
    return "unknown" if size_bytes is None else size_in_words(size_bytes)


def disk_rows(steps: Sequence[Step]) -> list[tuple[str, ...]]:
    """One row a disk that goes along, with the cells of `DISK_COLUMNS`."""
    return [
        (step.id, step.vm_name, disk.name, disk.source_name, disk.target_name, size_in_words(disk.size_bytes))
        for step in steps
        for disk in step.disks
    ]


RESOURCE_COLUMNS = ("host", "resource", "peak>", "after>")
"""What columns of resources beside CPU are called."""


def resource_rows(hosts: Sequence[HostRow]) -> list[tuple[object, ...]]:
    """One row a host and resource beside CPU that has a weight: the highest share of what it has, before and after."""
    return [
        (row.name, before.resource, f"{before.share:.0%}", f"{after.share:.0%}")
        for row in hosts
        for before, after in zip(row.before.resource_peaks, row.after.resource_peaks, strict=False)
    ]


def sr_rows(srs: Sequence[SRRow]) -> list[tuple[object, ...]]:
    """One row an SR: its name, the disks that come and those that leave, with their sizes."""
    return [
        (
            row.name,
            len(row.gains),
            size_in_words(row.gained_bytes),
            len(row.loses),
            size_in_words(row.lost_bytes),
        )
        for row in srs
    ]


def network_rows(steps: Sequence[Step]) -> list[tuple[str, ...]]:
    """One row an interface, with the cells of `NETWORK_COLUMNS`; one for a VM without any."""
    rows: list[tuple[str, ...]] = []
    for step in steps:
        if crossing := step.crossing:
            head = (step.id, step.vm_name, crossing.pool_name or crossing.pool)
            there = [(*head, each.device, each.source_name, each.target_name) for each in crossing.networks]
            rows += there or [(*head, "none", "-", "-")]
    return rows


STEP_COLUMNS = ("step", "VM", "from", "to", "memory>", "target holds>", "takes about>", "after", "why")
"""What columns of steps are called."""


def step_rows(steps: Sequence[Step], hosts: Sequence[HostRow]) -> list[tuple[str, ...]]:
    """One row a step, with the cells of `STEP_COLUMNS`."""
    totals = {row.uuid: memory_total(row.memory_total_bytes) for row in hosts}
    return [
        (
            step.id if step.kind is StepKind.MOVE else f"{step.id} (hop)",
            step.vm_name,
            step.source_name,
            target_in_words(step),
            memory_in_words(step),
            f"{size_in_words(step.hosts[-1].during_bytes)} of {totals.get(step.target, memory_total(None))}",
            duration_in_words(step.seconds),
            ", ".join(step.after) or "-",
            step.why,
        )
        for step in steps
    ]


def memory_in_words(step: Step) -> str:
    """What a step copies of memory, and to how much its VM is squeezed meanwhile."""
    size = size_in_words(step.memory_bytes)
    return size if step.squeeze is None else f"{size}, squeezed to {size_in_words(step.squeeze.to_bytes)}"


def squeezed_in_words(steps: Sequence[Step]) -> tuple[str, ...]:
    """What a reader of *steps* has to know where a VM is squeezed; nothing where none is."""
    squeezed = [
        f"{step.vm_name} ({step.id}: {size_in_words(each.from_bytes)} to {size_in_words(each.to_bytes)})"
        for step in steps
        if (each := step.squeeze)
    ]
    if not squeezed:
        return ()
    words = "Squeezed to the dynamic minimum while it migrates, whatever the guest uses"
    return (f"{words}: {first_few(squeezed, 8)}.",)


def target_in_words(step: Step) -> str:
    """The host that a step leads to, with its pool where that is another one and its name does not say so."""
    pool = (step.crossing.pool_name or step.crossing.pool) if step.crossing else ""
    named = not pool or step.target_name.endswith(f"({pool})")
    return step.target_name if named else f"{step.target_name} (pool {pool})"


def what_is_missing(plan: Plan) -> str:
    """What the moves are that *plan* does without."""
    if plan.made_from.undoes:
        return "moves back that are not legal, and that the plan does without"
    return "moves of a better placement that the plan does without"


def missing_rows(plan: Plan) -> list[tuple[str, ...]]:
    """VM, target, rule and words: one row a move."""
    return [(each.vm_name, each.target_name, each.rule, each.words) for each in plan.missing]

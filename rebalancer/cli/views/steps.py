"""One step of a plan, and every host while it runs and after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rich.console import RenderableType

from rebalancer.cli.output import heading
from rebalancer.cli.table import below, table
from rebalancer.cli.views.plans import disks_table, networks_table
from rebalancer.describe.course import HostThen
from rebalancer.export.markdown import peak_in_words
from rebalancer.export.rows import memory_total, squeezed_in_words, target_in_words
from rebalancer.plan import Plan, Step
from rebalancer.units import duration_in_words, size_in_words


def step_in_full(plan: Plan, step: Step, then: Sequence[HostThen]) -> Iterator[RenderableType]:
    """What the step does and why, and the hosts."""
    size, about = size_in_words(step.memory_bytes), duration_in_words(step.seconds)
    if step.disks:
        size += f" of memory and {size_in_words(step.disk_bytes)} of disks"
    waits = f", after {' and '.join(step.after)}" if step.after else ""
    yield heading(
        f"{step.id}: {step.vm_name} from {step.source_name} to {target_in_words(step)}: {size}, about {about}{waits}"
    )
    yield step.why
    yield from map(below, squeezed_in_words([step]))
    if step.disks:
        yield disks_table([step])
    if step.crossing:
        yield networks_table([step])
    names = {step.source: "leaves", step.target: "arrives"}
    yield table(
        f"Hosts while {step.id} runs and after it, steps one after another",
        {
            "host": "name",
            "": "left",
            "VMs after": "right",
            "memory while": "right",
            "memory after": "right",
            "of": "right",
            "CPU peak after": "left",
        },
        [
            (
                each.name,
                names.get(each.uuid, ""),
                len(each.after.vms),
                *map(size_in_words, (each.memory_during_bytes, each.after.memory_used_bytes)),
                memory_total(each.memory_total_bytes),
                peak_in_words(each.after, plan.when),
            )
            for each in then
        ],
    )


def step_document(step: Step, then: Sequence[HostThen]) -> dict[str, object]:
    """One step and its hosts as plain values for programs."""
    return {"step": asdict(step), "hosts": [asdict(each) for each in then]}

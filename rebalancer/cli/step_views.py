"""One step of a plan, and every host while it runs and after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rich.console import RenderableType

from rebalancer.cli.output import heading
from rebalancer.cli.table import table
from rebalancer.cli.views import disks_table, networks_table
from rebalancer.describe.course import HostThen
from rebalancer.export.markdown import peak_in_words
from rebalancer.export.rows import target_in_words
from rebalancer.plan import Plan, Step
from rebalancer.units import duration_in_words, size_in_words


def step_in_full(plan: Plan, step: Step, then: Sequence[HostThen]) -> Iterator[RenderableType]:
    """What the step does and why, and the hosts."""
    size, about = _size(step), duration_in_words(step.seconds)
    waits = f", after {' and '.join(step.after)}" if step.after else ""
    yield heading(
        f"{step.id}: {step.vm_name} from {step.source_name} to {target_in_words(step)}: {size}, about {about}{waits}"
    )
    yield step.why
    if step.disks:
        yield disks_table([step])
    if step.crossing:
        yield networks_table([step])
    slots = plan.made_from.metrics.slots if plan.made_from.metrics else 0
    names = {step.source: "leaves", step.target: "arrives"}
    yield table(
        f"Hosts while {step.id} runs and after it, steps one after another",
        {
            "host": "left",
            "": "left",
            "VMs after": "right",
            "memory while": "right",
            "memory after": "right",
            "of": "right",
            "CPU peak after": "left",
        },
        [(each.name, names.get(each.uuid, ""), *_figures(each, slots)) for each in then],
    )


def _size(step: Step) -> str:
    memory = size_in_words(step.memory_bytes)
    return f"{memory} of memory and {size_in_words(step.disk_bytes)} of disks" if step.disks else memory


def _figures(host: HostThen, slots: int) -> tuple[object, ...]:
    return (
        len(host.after.vms),
        size_in_words(host.memory_during_bytes),
        size_in_words(host.after.memory_used_bytes),
        size_in_words(host.memory_total_bytes),
        peak_in_words(host.after, slots),
    )


def step_document(step: Step, then: Sequence[HostThen]) -> dict[str, object]:
    """The same for programs."""
    return {"step": asdict(step), "hosts": [asdict(each) for each in then]}

"""Plans as tables for people, whole and in parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType

from rebalancer.cli.output import heading
from rebalancer.cli.table import SHOWN, below, table
from rebalancer.export.markdown import facts, peak_in_words, zone_of_peaks
from rebalancer.export.rows import (
    DISK_COLUMNS,
    HELD_COLUMNS,
    NETWORK_COLUMNS,
    conditions,
    disk_rows,
    held_rows,
    memory_in_words,
    memory_total,
    missing_rows,
    network_rows,
    squeezed_in_words,
    target_in_words,
    what_is_missing,
)
from rebalancer.export.timetable import TIMES, remarks, rows
from rebalancer.plan import HeldAsItIs, HostRow, LeftAlone, Plan, Step, StepKind, TierResult
from rebalancer.plan.conditions import gap_in_words
from rebalancer.units import counted, duration_in_words, first_few, size_in_words

if TYPE_CHECKING:
    from rebalancer.face.prove import Proof


def plan_tables(plan: Plan) -> Iterator[RenderableType]:
    """A plan: the summary, tiers, steps, hosts, what was left alone, what was broken, warnings."""
    yield heading(plan.summary)
    if plan.held:
        yield held_table(plan.held)
    if plan.tiers:
        yield tiers_table(plan)
    if plan.steps:
        yield steps_table("Steps, in order", plan.steps)
        yield timetable(plan)
    if plan.srs:
        yield disks_table(plan.steps)
    if any(step.crossing for step in plan.steps):
        yield networks_table(plan.steps)
    if plan.missing:
        columns = {"VM": "name", "to": "name", "rule": "left", "why": "text"}
        yield table(f"Missing: {what_is_missing(plan)}", columns, missing_rows(plan))
    yield hosts_table(plan)
    yield from _remarks(plan)


def accepted(plan: Plan) -> str:
    """What is said of a plan that was proven."""
    if not plan.steps:
        return "accepted: the plan has no steps"
    if len(plan.steps) == 1:
        return "accepted: the step and the states before and after it are legal"
    return f"accepted: all {len(plan.steps)} steps and every state between them are legal"


def nothing_left(plan: Plan) -> str:
    """What is said of a plan of which nothing is left to do, by whomever it was done."""
    disks = ", and every disk that goes along," if any(step.disks for step in plan.steps) else ""
    return f"done: every VM{disks} is where the plan leads; of {counted(len(plan.steps), 'step')} none is left to prove"


def since_then(proof: Proof) -> Iterator[str]:
    """What is said of a pool that is no longer the one that a plan was made from; nothing of one that is."""
    if proof.made:
        made = f"{counted(len(proof.made), 'is', 'are')} made already ({', '.join(proof.made)})"
        yield f"of its steps {made}, so figures and reasons of the plan were not compared"
    yield from proof.waits
    if proof.drift and proof.made:
        yield "besides, the pool is not as the plan knew it:"
    elif proof.drift:
        yield "the pool is not as the plan knew it, so figures and reasons of the plan were not compared:"
    yield from proof.drift
    if proof.renamed:
        yield "names have changed since, and decide nothing; the plan goes by the old ones:"
    yield from proof.renamed


def plan_in_full(plan: Plan) -> Iterator[RenderableType]:
    """A plan with what it is bound to and the way back."""
    columns = {f"Plan for pool {plan.made_from.called}": "name", "": "text"}
    yield table("", columns, facts(plan))
    yield from plan_tables(plan)
    if plan.rollback:
        yield steps_table("The way back", plan.rollback)
    if any(step.disks for step in plan.rollback):
        yield disks_table(plan.rollback)


def held_table(held: Sequence[HeldAsItIs]) -> RenderableType:
    """Hosts and VMs that are held as they are."""
    columns = dict.fromkeys(HELD_COLUMNS, "text") | {"what": "left", "name": "left", "VMs": "right"}
    return table("Held as they are", columns, held_rows(held))


def tiers_table(plan: Plan) -> RenderableType:
    """One row an objective, and below them the conditions under which the bounds hold."""
    rows = table(
        "How good it is",
        {
            "objective": "left",
            "now": "right",
            "after": "right",
            "no plan is below": "right",
            "gap": "right",
            "unit": "left",
        },
        [
            (
                tier.objective,
                _figure(tier.before),
                _figure(tier.after),
                _figure(tier.bound),
                _gap(tier, plan),
                tier.unit,
            )
            for tier in plan.tiers
        ],
    )
    return Group(rows, *map(below, conditions(plan)))


def steps_table(title: str, steps: Sequence[Step]) -> RenderableType:
    """One row a step, with what disks weigh where any go along."""
    disks = {"disks": "right"} if any(step.disks for step in steps) else {}
    start = {"step": "left", "VM": "name", "from": "name", "to": "name", "memory": "right"}
    columns = {**start, **disks, "about": "right", "after": "list", "why": "text"}
    rows = [[cell for name, cell in _step(step).items() if name in columns] for step in steps]
    return Group(table(title, columns, rows), *map(below, squeezed_in_words(steps)))


def _step(step: Step) -> dict[str, str]:
    return {
        "step": step.id,
        "VM": step.vm_name,
        "from": step.source_name,
        "to": target_in_words(step) + (" (hop)" if step.kind is StepKind.HOP else ""),
        "memory": memory_in_words(step),
        "disks": size_in_words(step.disk_bytes) if step.disks else "",
        "about": duration_in_words(step.seconds),
        "after": " ".join(step.after),
        "why": step.why,
    }


def timetable(plan: Plan) -> RenderableType:
    """When each step begins and ends, what runs beside it, and what that rests on."""
    kinds = ("left", "name", "right", "right", "right", "spare")
    told = [below(each) for each in remarks(plan)]
    return Group(table("Timetable (min:s)", dict(zip(TIMES, kinds, strict=True)), rows(plan)), *told)


def disks_table(steps: Sequence[Step]) -> RenderableType:
    """One row a disk that goes along."""
    columns = dict.fromkeys(DISK_COLUMNS, "name") | {"step": "left", "disk": "text", "size": "right"}
    return table("Disks that go along (Storage XenMotion)", columns, disk_rows(steps))


def networks_table(steps: Sequence[Step]) -> RenderableType:
    """One row an interface of a VM that goes to another pool."""
    return table("To another pool", dict.fromkeys(NETWORK_COLUMNS, "name") | {"step": "left"}, network_rows(steps))


def hosts_table(plan: Plan) -> RenderableType:
    """Every host before and after."""
    zone = zone_of_peaks(plan)
    peak = f"CPU peak ({zone})" if zone else "CPU peak"
    return table(
        "Hosts",
        {"host": "name", peak: "text", "VMs": "left", "memory": "left", "at most": "right", "of": "right"},
        [_host(row, plan) for row in plan.hosts],
    )


def _host(row: HostRow, plan: Plan) -> tuple[str, ...]:
    memory = [size_in_words(state.memory_used_bytes) for state in (row.before, row.after)]
    return (
        row.name,
        _change(peak_in_words(row.before, plan.when), peak_in_words(row.after, plan.when)),
        _change(str(len(row.before.vms)), str(len(row.after.vms))),
        _change(*memory),
        size_in_words(row.memory_peak_bytes),
        memory_total(row.memory_total_bytes),
    )


def _change(before: str, after: str) -> str:
    return before if before == after else f"{before} -> {after}"


def _left_alone(left: Sequence[LeftAlone]) -> Iterator[tuple[str, ...]]:
    """Each host, then one row for all its VMs of which the same is said; plan.md names every one."""
    alike: dict[tuple[int, str, str, str], list[str]] = {}
    hosts = 0
    for each in left:
        hosts += each.kind == "host"
        alike.setdefault((hosts, each.kind, each.rule, each.words), []).append(each.name)
    for (_, kind, rule, words), names in alike.items():
        yield kind if kind == "host" else counted(len(names), "VM"), first_few(names, SHOWN), rule, words


def _remarks(plan: Plan) -> Iterator[RenderableType]:
    if plan.left_alone:
        columns = {"what": "left", "name": "text", "rule": "left", "why": "text"}
        yield table("Left alone", columns, list(_left_alone(plan.left_alone)))
    if plan.old_violations:
        broken = [(each.rule, each.words, "repaired" if each.mended else each.why_not) for each in plan.old_violations]
        yield table("Broken before the plan", {"rule": "left", "what": "text", "after it": "text"}, broken)
    if plan.no_way_back:
        stuck = [(each.name, each.rule, each.words) for each in plan.no_way_back]
        yield table("No way back for", {"VM": "name", "rule": "left", "why": "text"}, stuck)
    if plan.warnings:
        yield table("", {"Warnings": "text"}, [(each,) for each in plan.warnings])


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:,.3f}"


def _gap(tier: TierResult, plan: Plan) -> str:
    return "proved best" if tier.proved else gap_in_words(tier, plan)

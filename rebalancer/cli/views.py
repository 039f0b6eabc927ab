"""Values of the library as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.markup import escape
from rich.table import Table

from rebalancer.cli.output import table
from rebalancer.inventory import VM
from rebalancer.plan import HostRow, HostState, Plan, Step, StepKind, Tier
from rebalancer.rules.report import Answer, LegalityReport
from rebalancer.units import size_in_words

SHOWN = 4
"""How many names a cell lists."""


def explanation_table(vm: VM, answers: Sequence[Answer]) -> Table:
    """One row a host and objection; the first objection of a host is what XAPI would answer."""
    rows = [row for answer in answers for row in _explained(answer)]
    return table(
        f"{vm.name} ({vm.uuid})",
        {
            "host": "left",
            "may it move there": "left",
            "rule": "left",
            "XAPI would say": "left",
            "why": "left",
            "way out": "left",
        },
        rows,
    )


def _explained(answer: Answer) -> Iterator[tuple[str, ...]]:
    """The rows of one host."""
    if answer.stays:
        yield (answer.host.name, "it is here", "", "", "", "")
    elif not answer.objections:
        yield (answer.host.name, "yes", "", "", "", "")
    for number, each in enumerate(answer.objections):
        yield (
            answer.host.name if not number else "",
            "no" if not number else "",
            each.rule,
            each.code or "-",
            each.words,
            each.remedy,
        )


def check_tables(report: LegalityReport) -> Iterator[Table | str]:
    """The summary sentence, then what holds VMs, what hosts take, and what is broken tonight."""
    yield f"[bold]{report.movable} of {report.guests}[/bold] running guests may move somewhere now."
    if report.held:
        yield table(
            "Held where they are, by the first rule that objects",
            {"VMs": "right", "rule": "left", "for example": "left", "which": "left", "way out": "left"},
            [(len(each.vms), each.rule, each.words, _some(each.vms), _some(each.remedies)) for each in report.held],
        )
    yield table(
        "Hosts",
        {"host": "left", "guests": "right", "could receive now": "right", "refuses everybody by": "left"},
        [(each.host, each.guests, each.may_receive, each.refuses) for each in report.hosts],
    )
    if report.standing:
        yield table(
            "Broken tonight (old violations: tolerated until somebody joins)",
            {"rule": "left", "what": "left"},
            [(each.rule, each.words) for each in report.standing],
        )
    if report.dangling:
        yield table("References that lead nowhere", {"what": "left"}, [(each,) for each in report.dangling])


def _some(names: Sequence[str]) -> str:
    """The first few, and how many more."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def plan_tables(plan: Plan) -> Iterator[Table | str]:
    """A plan for a terminal: the summary, tiers, steps, hosts, what was left alone, what was broken, warnings."""
    yield f"[bold]{escape(plan.summary)}[/bold]"
    yield table(
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
            (tier.objective, f"{tier.before:.3f}", f"{tier.after:.3f}", f"{tier.bound:.3f}", _gap(tier), tier.unit)
            for tier in plan.tiers
        ],
    )
    if plan.steps:
        yield steps_table("Steps, in order", plan.steps)
    yield hosts_table(plan.hosts)
    yield from _remarks(plan)


def steps_table(title: str, steps: Sequence[Step]) -> Table:
    """One row a step."""
    return table(
        title,
        {
            "step": "left",
            "VM": "left",
            "from": "left",
            "to": "left",
            "memory": "right",
            "about": "right",
            "after": "left",
            "why": "left",
        },
        [
            (
                step.id,
                step.vm_name,
                step.source_name,
                step.target_name + (" (hop)" if step.kind is StepKind.HOP else ""),
                size_in_words(step.memory_bytes),
                f"{step.seconds:.0f} s",
                " ".join(step.after),
                step.why,
            )
            for step in steps
        ],
    )


def hosts_table(hosts: Sequence[HostRow]) -> Table:
    """Every host before and after."""
    return table(
        "Hosts",
        {"host": "left", "peak load": "left", "VMs": "left", "memory": "left", "of": "right"},
        [
            (
                row.name,
                f"{_peak(row.before)} -> {_peak(row.after)}",
                f"{len(row.before.vms)} -> {len(row.after.vms)}",
                f"{size_in_words(row.before.memory_used_bytes)} -> {size_in_words(row.after.memory_used_bytes)}",
                size_in_words(row.memory_total_bytes),
            )
            for row in hosts
        ],
    )


def _remarks(plan: Plan) -> Iterator[Table]:
    """Whatever a reviewer should know beside the steps."""
    if plan.left_alone:
        rows = [(each.kind, each.name, each.rule, each.words) for each in plan.left_alone]
        yield table("Left alone", {"": "left", "name": "left", "rule": "left", "why": "left"}, rows)
    if plan.old_violations:
        broken = [(each.rule, each.words, "mended" if each.mended else each.why_not) for each in plan.old_violations]
        yield table("Broken before the plan", {"rule": "left", "what": "left", "and now": "left"}, broken)
    if plan.no_way_back:
        stuck = [(each.name, each.rule, each.words) for each in plan.no_way_back]
        yield table("No way back for", {"VM": "left", "rule": "left", "why": "left"}, stuck)
    if plan.warnings:
        yield table("Warnings", {"": "left"}, [(each,) for each in plan.warnings])


def _gap(tier: Tier) -> str:
    """How far from the bound, in words."""
    return "proven best" if tier.proved else f"{tier.gap:.1%}"


def _peak(state: HostState) -> str:
    """The highest load and its slot."""
    if state.peak_share is None or state.peak_slot is None:
        return "?"
    return f"{state.peak_share:.0%} at slot {state.peak_slot}"

"""Values of the library as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from rebalancer.cli.output import table
from rebalancer.inventory import VM
from rebalancer.rules.report import Answer, LegalityReport

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

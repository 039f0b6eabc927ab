"""Who may move where, as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType

from rebalancer.cli.output import heading
from rebalancer.cli.table import SHOWN, table
from rebalancer.cli.views.plans import held_table
from rebalancer.units import counted, first_few, size_in_words

if TYPE_CHECKING:
    from rebalancer.inventory import Names, Uuid
    from rebalancer.legality.report import LegalityReport, PairAnswer
    from rebalancer.rules import Objection, Violation


def explanation_table(answers: Sequence[PairAnswer], called: Mapping[Uuid, str]) -> RenderableType:
    """One row an objection; hosts, by what they are *called*, that meet the same objections share their rows."""
    vm = answers[0].vm
    alike: dict[tuple[bool, tuple[Objection, ...], str], list[str]] = {}
    for answer in answers:
        alike.setdefault((answer.stays, answer.objections, _along(answer)), []).append(called[answer.host.uuid])
    rows = [row for key, hosts in alike.items() for row in _explained(hosts, *key)]
    return table(f"{vm.name} ({vm.uuid})", {"may move": "left", "to": "text", "rule": "left", "why": "text"}, rows)


def _explained(
    hosts: Sequence[str],
    stays: bool,  # noqa: FBT001 - a part of one key
    objections: Sequence[Objection],
    along: str,
) -> Iterator[tuple[str, ...]]:
    """The rows of hosts that are alike; the first objection is XAPI's answer."""
    names = ", ".join(hosts)
    if not objections:
        yield ("is there" if stays else "with disks" if along else "yes", names, "", along)
    for number, each in enumerate(objections):
        yield ("" if number else "no", "" if number else names, each.rule, _in_full(each))


def _along(answer: PairAnswer) -> str:
    if not answer.disks:
        return ""
    size = answer.vm.migration_memory_bytes + sum(disk.size_bytes for disk in answer.disks)
    words = [f"'{disk.name}' ({size_in_words(disk.size_bytes)}) to SR '{disk.target_name}'" for disk in answer.disks]
    ejects = f"; XAPI ejects the CD in {', '.join(answer.ejects)}" if answer.ejects else ""
    return f"takes {', '.join(words)} along: {size_in_words(size)} copied, memory included{ejects}"


def _in_full(objection: Objection) -> str:
    code = f" [{objection.code}]" if objection.code else ""
    return objection.words + code + (f"; {objection.remedy}" if objection.remedy else "")


def check_tables(report: LegalityReport, names: Names) -> Iterator[RenderableType]:
    """The summary sentence, then what holds VMs, what hosts take, and what is broken now, by the pool's *names*."""
    yield heading(
        f"Pool {report.pool}: {report.movable} of {counted(report.guests, 'running VM')} may move somewhere now."
    )
    if report.sick:
        yield held_table(report.sick)
    if report.held:
        columns = {"VMs": "right", "rule": "left", "which": "text", "for example": "text", "fix": "text"}
        rows = [
            (len(each.vms), each.rule, first_few(each.vms, SHOWN), each.words, first_few(each.remedies, SHOWN))
            for each in report.held
        ]
        yield table("Held where they are, by the first rule that objects", columns, rows)
    yield _reach_table(report)
    if report.spare:
        yield heading(f"Hosts to spare: {report.spare}.")
    if report.standing:
        columns = {"rule": "left", "what": "text", "hosts": "text", "VMs": "text"}
        yield table("Broken now (allowed until another VM joins)", columns, _broken(report.standing, names))
    if report.dangling:
        yield table("", {"References that lead nowhere": "text"}, [(each,) for each in report.dangling])


def _broken(standing: Sequence[Violation], names: Names) -> Iterator[tuple[str, ...]]:
    """One row a broken limit, with its hosts and VMs."""
    for each in standing:
        hosts = first_few([names.hosts[host] for host in each.hosts], SHOWN)
        yield each.rule, each.words, hosts, first_few([names.vms[vm] for vm in each.vms], SHOWN)


def _reach_table(report: LegalityReport) -> RenderableType:
    columns = {"host": "name", "VMs": "right", "could receive now": "right", "blocked for all by": "text"}
    rows = [(each.host, each.guests, each.may_receive, each.refuses) for each in report.hosts]
    if not any(each.pool for each in report.hosts):
        return table("Hosts", columns, rows)
    with_pool = [(each.pool, *row) for each, row in zip(report.hosts, rows, strict=True)]
    return table("Hosts", {"pool": "name", **columns}, with_pool)

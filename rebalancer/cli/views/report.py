"""A report for people on a terminal, and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

from rich.console import RenderableType

from rebalancer.cli.output import heading, plain
from rebalancer.cli.table import table
from rebalancer.cli.views.history import move_table, night_table
from rebalancer.history.report.values import PoolReport, Report
from rebalancer.units import counted, moment_in_words, moment_shown


def report_tables(report: Report) -> Iterator[RenderableType]:
    """All that *report* says."""
    period, zone = report.period, report.timezone
    yield heading(f"The {report.name} from {moment_shown(period.since, zone)} to {moment_in_words(period.until, zone)}")
    for night in report.nowhere:
        where = f"{moment_shown(night.began_at, zone)}: {night.policy} ended with code {night.exit_code}"
        yield plain(f"{where}, and its pool was never read: {night.words}")
    if not report.pools:
        yield plain("Nothing is known of this time.")
    for pool in report.pools:
        yield from _pool(pool, zone)


def _pool(pool: PoolReport, zone: str) -> Iterator[RenderableType]:
    yield heading(f"Pool {pool.pool}: {_summary(pool)}")
    if pool.nights:
        yield night_table(pool.nights, zone)
    if pool.hot:
        columns = {"hot host": "name", "plans that found it hot": "right", "busiest hour": "right", "found at": "left"}
        rows = [
            (each.host, f"{each.nights} of {each.of}", f"{each.worst_share:.0%}", moment_shown(each.worst_at, zone))
            for each in pool.hot
        ]
        yield table("What was hot", columns, rows)
    yield from _checks(pool, zone)
    if pool.moves:
        yield heading("What was moved")
        yield move_table(pool.moves, zone)
    if pool.flapping:
        restless = [(each.vm, each.moves, each.back) for each in pool.flapping]
        yield table("VMs that move to and fro", {"VM": "name", "moves": "right", "back again": "right"}, restless)
    if pool.alone:
        columns = {"VM": "name", "since": "left", "nights": "right", "until": "left", "the last time with": "text"}
        rest = [
            (each.vm, moment_shown(each.since, zone), each.nights, moment_shown(each.until, zone), each.words)
            for each in pool.alone
        ]
        yield table("Left alone, because their moves fail", columns, rest)
    yield from _headroom(pool)


def _summary(pool: PoolReport) -> str:
    ends = ", ".join(f"{number} {verdict.replace('_', ' ')}" for verdict, number in pool.verdicts.items())
    nights = f"{counted(len(pool.nights), 'night')} ({ends})" if ends else "no night"
    failed = f", {counted(len(pool.failed), 'try', 'tries')} failed" if pool.failed else ""
    return f"{nights}, {counted(len(pool.moved), 'VM', 'VMs')} moved, {pool.gib:.1f} GiB{failed}"


def _checks(pool: PoolReport, zone: str) -> Iterator[RenderableType]:
    if not pool.checks:
        return
    numbers = ("hours", "predicted", "measured", "without the moves", "spared")
    columns = {"from": "left", **dict.fromkeys(numbers, "right")}
    rows = [
        (
            moment_shown(each.since, zone),
            f"{(each.until - each.since).total_seconds() / 3600:.0f}",
            f"{each.overload_predicted_pcpu_hours:.1f}",
            f"{each.overload_measured_pcpu_hours:.1f}",
            f"{each.overload_unmoved_pcpu_hours:.1f}",
            f"{each.saved_pcpu_hours:.1f}",
        )
        for each in pool.checks
    ]
    yield table("Did it help? pCPU-hours of overload after each run", columns, rows)
    for host in pool.wrong:
        came = f"{host.host} came to {host.peak_measured_share:.0%} from {moment_shown(host.since, zone)} on"
        yield plain(f"{came}; {host.peak_predicted_share:.0%} were predicted")


def _headroom(pool: PoolReport) -> Iterator[RenderableType]:
    if pool.headroom:
        last = pool.headroom[-1]
        cpu = f"CPU {last.cpu_share:.0%}{_trend(pool.cpu_trend)}"
        yield plain(f"Free in the busiest hour: {cpu}; memory {last.memory_share:.0%}{_trend(pool.memory_trend)}")


def _trend(slope: float | None) -> str:
    return "" if slope is None else f" ({100 * slope:+.1f} points a week)"


def report_document(report: Report) -> dict[str, Any]:
    """The same for programs, times in UTC."""
    pools = [{each.name: getattr(pool, each.name) for each in fields(pool)} | _sums(pool) for pool in report.pools]
    told = {"since": report.period.since, "until": report.period.until, "pools": pools, "nowhere": report.nowhere}
    document = _plain({"name": report.name, **told})
    if not isinstance(document, dict):
        raise TypeError("a report is an object")
    return document


def _sums(pool: PoolReport) -> dict[str, object]:
    return {"cpu_trend": pool.cpu_trend, "memory_trend": pool.memory_trend}


def _plain(value: object) -> object:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat()
        case dict():
            return {str(key): _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case str() | int() | float() | None:
            return value
    return _plain(asdict(value))  # type: ignore[call-overload]  # all else is a row

"""CPU and memory of each host before, after, and at most on the way, as bars."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rebalancer.describe.load_course import LoadCourse
from rebalancer.export.markdown import peak_in_words
from rebalancer.export.rows import memory_total
from rebalancer.plan import HostRow, Plan
from rebalancer.slots import Slots
from rebalancer.units import size_in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Shares in per cent, at most 100, before, after and at most; `limit` is a mark, and `words` tells it all."""

    before: float
    after: float
    most: float
    limit: float | None
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostBars:
    """A host; None where its CPU or what it has of memory is not known."""

    row: HostRow
    cpu: Bar | None
    cpu_words: str
    memory: Bar | None
    memory_words: str


def host_bars(plan: Plan, course: LoadCourse | None) -> Iterator[HostBars]:
    """Each host, in the order of the plan."""
    highest = course.highest() if course else {}
    for row in plan.hosts:
        words = _cpu_words(row, plan.when, highest.get(row.uuid))
        sizes = (row.before.memory_used_bytes, row.after.memory_used_bytes, row.memory_peak_bytes)
        before, after, most = map(size_in_words, sizes)
        held = f"{before} → {after}, at most {most} of {memory_total(row.memory_total_bytes)}"
        yield HostBars(
            row=row,
            cpu=_cpu(row, plan, highest.get(row.uuid), words),
            cpu_words=words,
            memory=_memory(row, held),
            memory_words=held,
        )


def _cpu_words(row: HostRow, when: Slots, most: float | None) -> str:
    if row.before.peak_share is None:
        return "not known"
    told = f"{peak_in_words(row.before, when)} → {peak_in_words(row.after, when)}"
    return told if most is None else f"{told}, at most {most:.0%}"


def _cpu(row: HostRow, plan: Plan, most: float | None, words: str) -> Bar | None:
    before, after = row.before.peak_share, row.after.peak_share
    if before is None or after is None:
        return None
    return Bar(
        before=_percent(before),
        after=_percent(after),
        most=_percent(max(before, after, most or 0.0)),
        limit=_percent(plan.policy.objective.threshold),
        words=f"CPU {words}",
    )


def _memory(row: HostRow, words: str) -> Bar | None:
    total = row.memory_total_bytes
    if not total:
        return None
    return Bar(
        before=_percent(row.before.memory_used_bytes / total),
        after=_percent(row.after.memory_used_bytes / total),
        most=_percent(row.memory_peak_bytes / total),
        limit=None,
        words=f"memory {words}",
    )


def _percent(share: float) -> float:
    return round(100 * min(1.0, max(0.0, share)), 1)

"""A replay for people and for programs, and how it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType

from rebalancer.cli.output import heading, plain, say
from rebalancer.cli.table import table
from rebalancer.units import counted, first_few
from rebalancer.whatif.replay import (
    CONDITION,
    SHARES,
    Replay,
    ReplayedNight,
    ReplayReporter,
    Summary,
    by_week,
    summary_of,
)

OFTEN = 3
"""VMs that are named of those that moved most often."""
ABOVE = [f"> {share * 100:.0f} %" for share in SHARES]
COLUMNS = {"policy": "name", "overload": "right", **dict.fromkeys(ABOVE, "right"), "busiest": "right"}
PAID = {"moves": "right", "GiB": "right", "moved most often": "list", "regret": "right"}


class NightTeller(ReplayReporter):
    """Tells each night on standard error."""

    def night_done(self, replayed: ReplayedNight) -> None:
        """One line, with what came of deciding where there was no answer."""
        moved = f"{counted(len(replayed.moved), 'move')}, {replayed.gib:.1f} GiB"
        why = "" if replayed.planned else f"; no plan: {replayed.words}"
        day = f"{replayed.day.overload:.1f} pCPU-hours of overload"
        say(f"{replayed.contender}, {replayed.at:%Y-%m-%d}: {moved}, {day} the day after{why}")


def replay_tables(found: Replay) -> Iterator[RenderableType]:
    """All nights together, then week by week, then under which condition bounds hold."""
    rows = [summary_of(found.of(each)) for each in found.contenders]
    first = found.nights[0].at
    yield heading(f"{counted(rows[0].nights, 'night')} from {first:%Y-%m-%d}, 00:00 UTC, each with the day after")
    yield table("All nights", COLUMNS | PAID, [_row(found, row, row.contender) for row in rows])
    weeks = [week for each in found.contenders for week in _weeks(found, each)]
    if len(weeks) > len(rows):
        yield table("Week by week", COLUMNS | PAID, weeks)
    yield from map(plain, _notes(found, rows))


def replay_document(found: Replay) -> dict[str, Any]:
    """The same as a JSON document."""
    numbers = range(len(by_week(found.of(found.contenders[0]))))
    return {
        "first_night": found.nights[0].at.isoformat(),
        "nights": len(found.of(found.contenders[0])),
        "unknown_share": round(found.unknown_share, 6),
        "condition": CONDITION,
        "put_back": [{"vm": found.vm_names[vm], "uuid": vm} for vm in found.put_back],
        "rows": [_document(found, summary_of(found.of(each))) for each in found.contenders],
        "weeks": [
            {"week": number + 1, **_document(found, by_week(found.of(each))[number])}
            for each in found.contenders
            for number in numbers
        ],
    }


def _weeks(found: Replay, contender: str) -> Iterator[tuple[object, ...]]:
    for number, week in enumerate(by_week(found.of(contender)), start=1):
        yield _row(found, week, f"{contender}, week {number}")


def _row(found: Replay, row: Summary, name: str) -> tuple[object, ...]:
    often = ", ".join(f"{found.vm_names[vm]} {times}x" for vm, times in row.often[:OFTEN])
    regret = "" if row.regret is None else f"{row.regret[0]:.4g} to {row.regret[1]:.4g}"
    busy = (f"{row.overload:.1f}", *row.hours_above, f"{row.worst_share:.0%}")
    return (name, *busy, row.moves, f"{row.gib:.1f}", often, regret)


def _notes(found: Replay, rows: list[Summary]) -> Iterator[str]:
    yield "overload: pCPU-hours above 75 % of the hosts' pCPUs; > 75, 90, 100 %: host-hours."
    least = rows[0].least_overload
    yield f"No placement has less than {least:.1f} pCPU-hours of overload: what the pool as a whole has above 75 %."
    if rows[0].regret is not None:
        yield f"Regret: weighted pCPU-hours, at least and at most, against plans that knew the day after: {CONDITION}."
    if found.unknown_share:
        unknown = f"{found.unknown_share:.1%} of the hours of VMs are not known"
        yield f"{unknown}, and count as the mean of the others."
    if found.put_back:
        names = first_few([found.vm_names[vm] for vm in found.put_back], OFTEN)
        told = counted(len(found.put_back), "VM")
        yield f"Where the history says that they were, and not where they are now, begin {told}: {names}."
    for row in rows:
        if row.unplanned:
            yield f"{row.contender}: in {counted(row.unplanned, 'night')} there was no plan, and nothing moved."


def _document(found: Replay, row: Summary) -> dict[str, Any]:
    names = [f"above_{share * 100:.0f}" for share in SHARES]
    return {
        "contender": row.contender,
        "nights": row.nights,
        "overload": round(row.overload, 3),
        "overload_without": round(row.overload_without, 3),
        "least_overload": round(row.least_overload, 3),
        **dict(zip(names, row.hours_above, strict=True)),
        **{f"{name}_without": hours for name, hours in zip(names, row.hours_above_without, strict=True)},
        "worst_share": round(row.worst_share, 4),
        "worst_host": None if row.worst_host is None else found.host_names[row.worst_host],
        "moves": row.moves,
        "gib": round(row.gib, 3),
        "often": [{"vm": found.vm_names[vm], "uuid": vm, "moves": times} for vm, times in row.often[:OFTEN]],
        "unplanned": row.unplanned,
        "regret": None if row.regret is None else [round(each, 3) for each in row.regret],
    }

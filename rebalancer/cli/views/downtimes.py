"""For how long VMs were off while their host was worked on, as a table for people and as plain values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rich.console import RenderableType

from rebalancer.cli.output import heading
from rebalancer.cli.table import table
from rebalancer.face.rolling.downtime import Downtime
from rebalancer.units import counted, duration_in_words


def downtime_tables(found: Sequence[Downtime]) -> Iterator[RenderableType]:
    """A row a VM, and the sum; nothing where none was off."""
    if not found:
        return
    columns = {"host": "name", "VM": "name", "off for": "right", "by estimate": "right", "how": "left", "now": "left"}
    yield table("Shut down meanwhile", columns, [_cells(each) for each in found])
    off = duration_in_words(sum(each.seconds for each in found))
    estimate = duration_in_words(sum(each.estimated_seconds for each in found))
    yield heading(f"{counted(len(found), 'VM was', 'VMs were')} off for {off} together; {estimate} by estimate.")


def _cells(each: Downtime) -> tuple[str, ...]:
    now = f"off since {each.off_since:%H:%M:%S} UTC" if each.off_since else "runs"
    how = "switched off" if each.hard else "shut down"
    times = duration_in_words(each.seconds), duration_in_words(each.estimated_seconds)
    return (each.host, each.vm_name, *times, how, now)


def downtimes_as_json(found: Sequence[Downtime]) -> dict[str, object]:
    """The VMs with what was measured of each, and both sums."""
    rows = [asdict(each) | {"off_since": each.off_since.isoformat() if each.off_since else None} for each in found]
    return {
        "shut_down": rows,
        "downtime_seconds": sum(each.seconds for each in found),
        "estimated_downtime_seconds": sum(each.estimated_seconds for each in found),
    }


def off_now(found: Sequence[Downtime]) -> str:
    """Who is off, in words; "" where nobody is."""
    off = [f"{each.vm_name} of {each.host} since {each.off_since:%H:%M:%S} UTC" for each in found if each.off_since]
    return f"shut down, and not started yet: {', '.join(off)}" if off else ""

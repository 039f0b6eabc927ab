"""Which hosts can sleep, as tables for people."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import RenderableType

from rebalancer.cli.output import heading
from rebalancer.cli.table import table
from rebalancer.units import counted, slot_in_words

if TYPE_CHECKING:
    from rebalancer.whatif import Sleep


def sleep_tables(found: Sleep) -> Iterator[RenderableType]:
    """The hosts without VMs; then the hours, where they are known."""
    asleep = [each.name for each in found.hosts if each.can_sleep]
    can = f"{', '.join(asleep)} can sleep, together" if asleep else "none of those without VMs can sleep"
    yield heading(f"{counted(found.in_use, 'host')} in use; {can if found.hosts else 'no other host is awake'}.")
    if found.hosts:
        yield table(
            "Hosts without VMs",
            {"host": "left", "can sleep": "left", "kept awake by": "left", "why": "text"},
            [(each.name, "yes" if each.can_sleep else "no", each.rule, each.words) for each in found.hosts],
        )
    if found.needed:
        yield table(
            "Hosts that each hour needs at least, by memory and by CPU below the threshold, if VMs could be divided",
            {"from": "left", "hosts": "right", "fewer than in use": "right"},
            [
                (slot_in_words(slots[0], len(found.needed)), least, max(0, found.in_use - least))
                for least, slots in _runs(found.needed)
            ],
        )


def _runs(needed: tuple[int, ...]) -> Iterator[tuple[int, list[int]]]:
    for least, slots in groupby(range(len(needed)), key=lambda slot: needed[slot]):
        yield least, list(slots)

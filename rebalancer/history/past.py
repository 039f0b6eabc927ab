"""Earlier runs by the history: what cool-down, patience with stubborn VMs and the learned pace read.

The journals stay the truth. Of a journal that is as it was when the history read it, the history tells; one that is new
or has changed is read itself; and of those that are gone, the history tells what they told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select

from rebalancer.errors import InputError
from rebalancer.execute import Journals, Looked, Past, StepState
from rebalancer.execute.journal.entries import AS_ASKED
from rebalancer.execute.journal.outcome import FAILED
from rebalancer.execute.journal.past import Experience, ends_in, entries_of, experiences_in, journals
from rebalancer.history.fill import mark_of, marks
from rebalancer.history.place import HistoryPlace
from rebalancer.history.store import Store
from rebalancer.history.tables import ENDS, SOURCES
from rebalancer.inventory import Uuid
from rebalancer.policy import HistoryPolicy

TELLING = [state.value for state in (StepState.MOVED, *sorted(FAILED))]


def known_past(
    wanted: HistoryPolicy, state_dir: Path | None, told: Callable[[str], None] = lambda _words: None
) -> Past:
    """Earlier runs by the history that *wanted* names; by the journals where it cannot be used, as *told* hears."""
    try:
        store = Store.known(HistoryPlace.of(wanted, state_dir))
        if store:
            with store:
                return _remembered(store)
    except InputError as error:
        told(f"what earlier runs taught is read from the journals alone: {error}")
    return Journals(state_dir)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What the history tells of runs, and the journals that it does not know yet."""

    told: tuple[tuple[Uuid, Uuid, Looked], ...]
    learned: tuple[tuple[Uuid, datetime, Experience], ...]
    unknown: tuple[Path, ...]

    def ends(self, pools: Collection[Uuid]) -> Iterator[tuple[Uuid, Looked]]:
        """See `Past`."""
        yield from ((vm, look) for pool, vm, look in self.told if pool in pools)
        for path in self.unknown:
            yield from ends_in(entries_of(path), pools)

    def experiences(self, pool: Uuid) -> Iterator[tuple[datetime, Experience]]:
        """See `Past`."""
        yield from ((at, each) for of, at, each in self.learned if of == pool)
        for path in self.unknown:
            yield from ((look.at, each) for look, each in experiences_in(entries_of(path), pool))


def _remembered(store: Store) -> Remembered:
    """All that *store* knows for sure; plans whose journals changed are left to the journals.

    Raises:
        HistoryError: it cannot be read.
    """
    folder = store.place.folder
    here = {str(path.relative_to(folder)): path for path in journals(store.place.state_dir)}
    known = marks(store)
    changed = {file for file, path in here.items() if known.get(file) != _mark(path)}
    of_plans = select(SOURCES.c.file, SOURCES.c.plan).where(SOURCES.c.folder == store.place.origin)
    with store.reading() as connection:
        stale = {row.plan for row in connection.execute(of_plans) if row.file in changed}
        rows = connection.execute(select(ENDS).where(ENDS.c.state.in_(TELLING))).all()
    told = [row for row in rows if row.plan not in stale]
    return Remembered(
        told=tuple((row.pool_uuid, row.vm_uuid, _look(row)) for row in told if row.words != AS_ASKED),
        learned=tuple((row.pool_uuid, row.at, _experience(row)) for row in told if row.seconds is not None),
        unknown=tuple(here[file] for file in sorted(changed)),
    )


def _mark(path: Path) -> tuple[int, int] | None:
    try:
        return mark_of(path)
    except OSError:
        return None


def _look(row: Row[Any]) -> Looked:
    """What was seen; a VM that moved was where it should be, and whether it ran is not kept."""
    error = tuple(map(str, json.loads(row.error)))
    state = StepState(row.state)
    there = row.target_uuid if state is StepState.MOVED else None
    return Looked(
        at=row.at, step=row.step, state=state, power_state=None, resident_on=there, error=error, words=row.words
    )


def _experience(row: Row[Any]) -> Experience:
    return Experience(wire_seconds=row.wire_seconds, seconds=row.seconds)

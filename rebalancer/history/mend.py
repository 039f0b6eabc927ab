"""A history whose file is broken is set aside, and filled anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rebalancer.errors import BrokenHistory, HistoryError
from rebalancer.history.engine import REMEDY
from rebalancer.history.fill import fill
from rebalancer.history.place import HistoryPlace
from rebalancer.history.store import Store

Done = TypeVar("Done")
BROKEN = ".broken"
BESIDE = ("-wal", "-shm")
"""What SQLite keeps beside its file."""


def with_store(place: HistoryPlace, work: Callable[[Store], Done], told: Callable[[str], None]) -> Done:
    """What *work* makes of the history at *place*; where its file is broken, of a new one, and *told* hears of it.

    Raises:
        HistoryError: the database cannot be used, and is not a broken file.
        ConnectionSettingsError, MissingExtra: there is no way in.
    """
    try:
        with Store.of(place) as store:
            return work(store)
    except BrokenHistory as error:
        told(
            f"{error.where}: {error.problem}. It is kept as {set_aside(place)}, and filled anew from journals and plans"
        )
    with Store.of(place) as store:
        fill(store)
        return work(store)


def set_aside(place: HistoryPlace) -> str:
    """Take the file at *place* out of the way, in the place of an older broken one; the name that it has then.

    Raises:
        HistoryError: it cannot be renamed.
    """
    aside = place.file.with_name(place.file.name + BROKEN)
    try:
        place.file.replace(aside)
        for each in BESIDE:
            place.file.with_name(place.file.name + each).unlink(missing_ok=True)
    except OSError as error:
        raise HistoryError(str(place), f"it cannot be set aside: {error.strerror}", REMEDY) from error
    return aside.name

"""What the commands share that look back: the history, filled up to now, and the pools that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import rebalancer as rb
from rebalancer.cli.opening import policy_of
from rebalancer.cli.output import say
from rebalancer.errors import InputError

if TYPE_CHECKING:
    from rebalancer.history.store import Store

Done = TypeVar("Done")


def recalled_by(policy: Path | None, state_dir: Path | None) -> rb.Policy:
    """The policy in the file *policy*; without one the usual one, in the time zone of the latest night.

    Raises:
        PolicyError: the file cannot be used.
    """
    from rebalancer.history.nights import last_timezone  # noqa: PLC0415 - only where there is something to recall

    return policy_of(policy) if policy else rb.Policy(timezone=last_timezone(state_dir))


def recall(wanted: rb.Policy, state_dir: Path | None, ask: Callable[[Store], Done]) -> Done:
    """What *ask* finds in the history that *wanted* names, once that knows what its state folder tells."""
    from rebalancer.history.fill import fill  # noqa: PLC0415 - SQLAlchemy, only where there is something to recall
    from rebalancer.history.mend import with_store  # noqa: PLC0415 - likewise
    from rebalancer.history.place import HistoryPlace  # noqa: PLC0415 - likewise

    def work(store: Store) -> Done:
        tell_unreadable(fill(store).unreadable)
        return ask(store)

    return with_store(HistoryPlace.of(wanted.history, state_dir), work, say)


def tell_unreadable(files: Collection[str]) -> None:
    """Name what could not be read."""
    for file in files:
        say(f"{file} cannot be read, and is left out")


def pools_named(store: Store, name: str | None) -> tuple[str, ...]:
    """The uuids of the pools that are called *name*; none for all.

    Raises:
        InputError: the history knows no such pool.
    """
    from rebalancer.history.queries import pools_of  # noqa: PLC0415 - likewise

    if name is None:
        return ()
    known = pools_of(store)
    found = tuple(uuid for uuid, called in known.items() if name in {uuid, called})
    if not found:
        names = ", ".join(sorted(set(known.values()))) or "none"
        raise InputError(f"pool {name!r}", "the history knows no such pool", f"Name one that it knows: {names}")
    return found

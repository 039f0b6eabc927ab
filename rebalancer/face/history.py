"""Earlier nights as DataFrames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rebalancer.face.given import assert_kind, assert_whole
from rebalancer.face.model import path_of
from rebalancer.history.place import HistoryPlace
from rebalancer.policy import Policy

if TYPE_CHECKING:
    import pandas as pd

    from rebalancer.demand.recording import Recording
    from rebalancer.history.answers import MoveRow, Period
    from rebalancer.history.plain import AnyRow
    from rebalancer.history.store import Store
    from rebalancer.inventory import Pool

Done = TypeVar("Done")
MONTH = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Nights, moves, hosts, objectives and load of earlier days; each question reads what is new in the state folder.

    Args:
        place: where it is kept.
    """

    place: HistoryPlace

    def nights(self, days: int = MONTH) -> pd.DataFrame:
        """One row a night: when, which pool (`pool`, `pool_uuid`), how it ended, how full the pool was."""
        from rebalancer.history.answers import NightRow  # noqa: PLC0415 - SQLAlchemy, only where asked
        from rebalancer.history.queries import nights_of  # noqa: PLC0415 - SQLAlchemy, only where asked

        return _frame(NightRow, self._ask(lambda store: nights_of(store, _last(days))))

    def moves(self, days: int = MONTH, *, vm: str | None = None, host: str | None = None) -> pd.DataFrame:
        """One row a try to move a VM: from, to, what came of it, `gib`, `seconds`; of one *vm* or *host* on request."""
        from rebalancer.history.answers import MoveRow  # noqa: PLC0415 - likewise
        from rebalancer.history.queries import moves_of  # noqa: PLC0415 - likewise

        return _frame(MoveRow, self._ask(lambda store: moves_of(store, _last(days), vm=vm, host=host)))

    def hosts(self, days: int = MONTH) -> pd.DataFrame:
        """One row a plan and host: its busiest hour as a share of its pCPUs, and overload, before and after."""
        from rebalancer.history.answers import PlannedHostRow  # noqa: PLC0415 - likewise
        from rebalancer.history.queries import hosts_of  # noqa: PLC0415 - likewise

        return _frame(PlannedHostRow, self._ask(lambda store: hosts_of(store, _last(days))))

    def objectives(self, days: int = MONTH) -> pd.DataFrame:
        """One row a plan and objective: before, after and bound, in its `unit`."""
        from rebalancer.history.answers import ObjectiveRow  # noqa: PLC0415 - likewise
        from rebalancer.history.queries import objectives_of  # noqa: PLC0415 - likewise

        return _frame(ObjectiveRow, self._ask(lambda store: objectives_of(store, _last(days))))

    def checks(self, days: int = MONTH) -> pd.DataFrame:
        """One row a run: overload of the day after as predicted, as measured, and without its moves, in pCPU-hours."""
        from rebalancer.history.answers import CheckRow  # noqa: PLC0415 - likewise
        from rebalancer.history.queries import checks_of  # noqa: PLC0415 - likewise

        return _frame(CheckRow, self._ask(lambda store: checks_of(store, _last(days))))

    def peaks(self, days: int = MONTH) -> pd.DataFrame:
        """One row a run and host: its busiest hour of the day after, as predicted and as measured, as a share."""
        from rebalancer.history.answers import CheckedHostRow  # noqa: PLC0415 - likewise
        from rebalancer.history.queries import checked_hosts_of  # noqa: PLC0415 - likewise

        return _frame(CheckedHostRow, self._ask(lambda store: checked_hosts_of(store, _last(days))))

    def load(self, days: int = MONTH) -> pd.DataFrame:
        """One row a VM and hour of which load is known: `vm_uuid`, `vm`, `pool_uuid`, `time` (UTC), `pcpu`.

        With `vm_uuid`, `time` and `pcpu` in a file it serves `plan --demand` and `replay --traces`.
        """
        from rebalancer.history.samples import VM  # noqa: PLC0415 - likewise

        return self._load(VM, days).rename(columns={"uuid": "vm_uuid", "name": "vm"})

    def host_load(self, days: int = MONTH) -> pd.DataFrame:
        """One row a host and hour: what it used for itself, without its VMs, as `load` has it of VMs."""
        from rebalancer.history.samples import HOST  # noqa: PLC0415 - likewise

        return self._load(HOST, days).rename(columns={"uuid": "host_uuid", "name": "host"})

    def recording(self, pool: Pool, until: datetime, days: int) -> Recording | None:
        """The load of *pool* in the last so many whole *days*, UTC, before *until*; None where no hour is known."""
        from rebalancer.history.recorded import recording_before  # noqa: PLC0415 - likewise

        return self._ask(lambda store: recording_before(store, pool, until, days))

    def moves_made(self, pool: Pool, since: datetime, until: datetime) -> tuple[MoveRow, ...]:
        """The moves in *pool* that arrived, from *since* on and before *until*, the earliest first."""
        from rebalancer.history.recorded import moves_made  # noqa: PLC0415 - likewise

        return self._ask(lambda store: moves_made(store, pool, since, until))

    def _load(self, kind: str, days: int) -> pd.DataFrame:
        import pandas as pd  # noqa: PLC0415 - likewise

        from rebalancer.history.samples import known_hours  # noqa: PLC0415 - likewise

        period = _last(days)
        rows = self._ask(lambda store: known_hours(store, kind, period.since, period.until))
        return pd.DataFrame(rows, columns=["uuid", "name", "pool_uuid", "time", "pcpu"])

    def _ask(self, question: Callable[[Store], Done]) -> Done:
        from rebalancer.history.fill import fill  # noqa: PLC0415 - likewise
        from rebalancer.history.mend import with_store  # noqa: PLC0415 - likewise

        def work(store: Store) -> Done:
            fill(store)
            return question(store)

        return with_store(self.place, work, lambda _words: None)


def history(
    policy: Policy | None = None, *, state_dir: Path | str | None = None, base: Path | str | None = None
) -> History:
    """Earlier nights: what was moved, whether it helped, and load by the hour, as DataFrames.

    Example:
        >>> import rebalancer as rb
        >>> past = rb.history()
        >>> past.nights().empty, [name for name in past.moves().columns if name.startswith("vm")]
        (True, ['vm', 'vm_uuid'])

    Args:
        policy: whose section `history` says where they are kept; the default policy where there is none.
        state_dir: the state folder; by default that of the command line.
        base: the folder that `history.credentials_file` is relative to; by default the one that work is done in.

    Raises:
        HistoryError: a question cannot be answered, because the database cannot be used.
    """
    if policy is not None:
        assert_kind(policy, Policy, "rb.Policy.load(path) reads one")
    return History(place=HistoryPlace.of((policy or Policy()).history, path_of(state_dir), path_of(base)))


def _last(days: int) -> Period:
    from rebalancer.history.answers import Period  # noqa: PLC0415 - likewise

    assert_whole("days", days, "Give 1 or more")
    return Period.last(days)


def _frame(kind: type[AnyRow], rows: Sequence[AnyRow]) -> pd.DataFrame:
    """*rows* of one *kind*, a column a field."""
    import pandas as pd  # noqa: PLC0415 - likewise

    names = [each.name for each in fields(kind)]
    return pd.DataFrame([[getattr(row, name) for name in names] for row in rows], columns=names)

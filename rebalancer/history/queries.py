"""Questions to the history: nights, moves, hosts, checks."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select

from rebalancer.execute.journal.cooling import code_of
from rebalancer.execute.journal.entries import AS_ASKED
from rebalancer.history.answers import CheckedHostRow, CheckRow, MoveRow, NightRow, ObjectiveRow, Period, PlannedHostRow
from rebalancer.history.store import Store
from rebalancer.history.tables import CHECKED_HOSTS, CHECKS, ENDS, HOSTS, NIGHTS, OBJECTIVES, PLANS, RUNS, STEPS
from rebalancer.inventory import Uuid
from rebalancer.units import gib


def nights_of(store: Store, period: Period, pools: Collection[Uuid] = ()) -> tuple[NightRow, ...]:
    """The nights that began in *period*, the earliest first; of *pools*, where any are named.

    Raises:
        HistoryError: the database cannot be used.
    """
    wanted = select(NIGHTS).where(period.holds(NIGHTS.c.began_at)).order_by(NIGHTS.c.began_at, NIGHTS.c.policy)
    if pools:
        wanted = wanted.where(NIGHTS.c.pool_uuid.in_(pools))
    names = NightRow.__dataclass_fields__.keys() - {"pool"}
    with store.reading() as connection:
        rows = connection.execute(wanted).all()
    return tuple(NightRow(pool=row.pool_name, **{name: getattr(row, name) for name in names}) for row in rows)


def moves_of(
    store: Store, period: Period, *, pools: Collection[Uuid] = (), vm: str | None = None, host: str | None = None
) -> tuple[MoveRow, ...]:
    """What became of steps in *period*, the earliest first.

    Args:
        store: the history.
        period: when the pool was looked at after the step.
        pools: whose; all where none is named.
        vm: only of the VM with this name, uuid, or start of a uuid.
        host: only from and to the host of that name, uuid, or start of a uuid.

    Raises:
        HistoryError: the database cannot be used.
    """
    wanted = _moves().where(period.holds(ENDS.c.at))
    if pools:
        wanted = wanted.where(ENDS.c.pool_uuid.in_(pools))
    if vm is not None:
        wanted = wanted.where(_called(vm, (STEPS.c.vm,), (ENDS.c.vm_uuid,)))
    if host is not None:
        sides = STEPS.c.source_uuid, STEPS.c.target_uuid, ENDS.c.source_uuid, ENDS.c.target_uuid
        wanted = wanted.where(_called(host, (STEPS.c.source, STEPS.c.target), sides))
    with store.reading() as connection:
        return tuple(_move(row) for row in connection.execute(wanted))


def _moves() -> Select[Any]:
    same = and_(STEPS.c.plan == ENDS.c.plan, STEPS.c.step == ENDS.c.step)
    planned = (
        STEPS.c.vm,
        STEPS.c.source,
        STEPS.c.target,
        STEPS.c.copied_bytes,
        STEPS.c.source_uuid.label("planned_source"),
        STEPS.c.target_uuid.label("planned_target"),
    )
    return select(ENDS, *planned).outerjoin(STEPS, same).order_by(ENDS.c.at, ENDS.c.plan, ENDS.c.position)


def _called(text: str, names: Sequence[ColumnElement[str]], uuids: Sequence[ColumnElement[str]]) -> ColumnElement[bool]:
    exact = [name == text for name in names]
    return or_(*exact, *(uuid.startswith(text, autoescape=True) for uuid in uuids))


def _move(row: Row[Any]) -> MoveRow:
    source, target = row.planned_source or row.source_uuid, row.planned_target or row.target_uuid
    code = "" if row.words == AS_ASKED else code_of(json.loads(row.error))
    return MoveRow(
        at=row.at,
        pool_uuid=row.pool_uuid,
        vm=row.vm or row.vm_uuid,
        vm_uuid=row.vm_uuid,
        source=row.source or source,
        source_uuid=source,
        target=row.target or target,
        target_uuid=target,
        state=row.state,
        gib=None if row.copied_bytes is None else gib(row.copied_bytes),
        seconds=row.seconds,
        words=code or row.words,
        plan=row.plan,
        step=row.step,
    )


def hosts_of(store: Store, period: Period, pools: Collection[Uuid] = ()) -> tuple[PlannedHostRow, ...]:
    """Hosts as the plans found them that were made in *period*, the earliest first.

    Raises:
        HistoryError: the database cannot be used.
    """
    wanted = select(PLANS.c.made_at, PLANS.c.pool_uuid, PLANS.c.threshold_share, HOSTS).join(
        HOSTS, HOSTS.c.plan == PLANS.c.plan
    )
    wanted = _of_pools(wanted, period.holds(PLANS.c.made_at), PLANS.c.pool_uuid, pools)
    return tuple(_as(PlannedHostRow, store, wanted.order_by(PLANS.c.made_at, HOSTS.c.host)))


def objectives_of(store: Store, period: Period, pools: Collection[Uuid] = ()) -> tuple[ObjectiveRow, ...]:
    """Objectives of the plans that were made in *period*, the earliest first.

    Raises:
        HistoryError: the database cannot be used.
    """
    wanted = select(PLANS.c.made_at, PLANS.c.pool_uuid, OBJECTIVES).join(OBJECTIVES, OBJECTIVES.c.plan == PLANS.c.plan)
    wanted = _of_pools(wanted, period.holds(PLANS.c.made_at), PLANS.c.pool_uuid, pools)
    return tuple(_as(ObjectiveRow, store, wanted.order_by(PLANS.c.made_at, OBJECTIVES.c.position)))


def checks_of(store: Store, period: Period, pools: Collection[Uuid] = ()) -> tuple[CheckRow, ...]:
    """What was measured after runs, where that began in *period*, the earliest first.

    Raises:
        HistoryError: the database cannot be used.
    """
    wanted = select(PLANS.c.pool_uuid, CHECKS).join(CHECKS, CHECKS.c.plan == PLANS.c.plan)
    wanted = _of_pools(wanted, period.holds(CHECKS.c.since), PLANS.c.pool_uuid, pools)
    return tuple(_as(CheckRow, store, wanted.order_by(CHECKS.c.since)))


def checked_hosts_of(store: Store, period: Period, pools: Collection[Uuid] = ()) -> tuple[CheckedHostRow, ...]:
    """The same for each host.

    Raises:
        HistoryError: the database cannot be used.
    """
    wanted = (
        select(PLANS.c.pool_uuid, CHECKS.c.since, CHECKED_HOSTS)
        .join(CHECKS, CHECKS.c.plan == PLANS.c.plan)
        .join(CHECKED_HOSTS, CHECKED_HOSTS.c.plan == PLANS.c.plan)
    )
    wanted = _of_pools(wanted, period.holds(CHECKS.c.since), PLANS.c.pool_uuid, pools)
    return tuple(_as(CheckedHostRow, store, wanted.order_by(CHECKS.c.since, CHECKED_HOSTS.c.host)))


def latest_of(store: Store) -> datetime | None:
    """When the last night began that is known; None without any.

    Raises:
        HistoryError: the database cannot be used.
    """
    with store.reading() as connection:
        return connection.execute(select(NIGHTS.c.began_at).order_by(NIGHTS.c.began_at.desc())).scalars().first()


def pools_of(store: Store) -> dict[Uuid, str]:
    """The pools that the history knows, by uuid: each with the name that it had last.

    Raises:
        HistoryError: the database cannot be used.
    """
    by_nights = select(NIGHTS.c.pool_uuid, NIGHTS.c.pool_name).order_by(NIGHTS.c.began_at)
    by_plans = select(PLANS.c.pool_uuid, PLANS.c.pool_name).order_by(PLANS.c.made_at)
    by_runs = select(RUNS.c.pool_uuid, RUNS.c.pool_uuid)
    found: dict[Uuid, str] = {}
    with store.reading() as connection:
        for wanted in (by_runs, by_nights, by_plans):
            found |= {uuid: name for uuid, name in connection.execute(wanted).all() if uuid}
    return found


Found = TypeVar("Found", PlannedHostRow, ObjectiveRow, CheckRow, CheckedHostRow)


def _of_pools(
    wanted: Select[Any], within: ColumnElement[bool], column: ColumnElement[str], pools: Collection[Uuid]
) -> Select[Any]:
    return wanted.where(within, column.in_(pools)) if pools else wanted.where(within)


def _as(kind: type[Found], store: Store, wanted: Select[Any]) -> Iterator[Found]:
    names = kind.__dataclass_fields__
    with store.reading() as connection:
        rows = connection.execute(wanted).all()
    return (kind(**{name: getattr(row, name) for name in names}) for row in rows)

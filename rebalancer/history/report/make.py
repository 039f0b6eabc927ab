"""Making a report of what the history knows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from rebalancer.execute import Looked, StepState
from rebalancer.execute.journal.cooling import failed_nights, rests_until
from rebalancer.execute.journal.entries import AS_ASKED
from rebalancer.execute.journal.outcome import FAILED
from rebalancer.history.answers import CheckedHostRow, MoveRow, NightRow, Period, PlannedHostRow
from rebalancer.history.queries import checked_hosts_of, checks_of, hosts_of, latest_of, moves_of, nights_of, pools_of
from rebalancer.history.report.values import Flapping, Headroom, HotHost, PoolReport, Report, StubbornVM
from rebalancer.history.store import Store
from rebalancer.inventory import Uuid
from rebalancer.inventory.names import SHORT
from rebalancer.policy import Policy

MINUTE = timedelta(minutes=1)
TRIED = FAILED | {StepState.MOVED}


def report_of(store: Store, period: Period, policy: Policy, *, name: str, pools: Sequence[Uuid] = ()) -> Report:
    """The report of *period*.

    Args:
        store: the history.
        period: the time.
        policy: whose sections `history` and `limits` say what is told, and whose `timezone` in which.
        name: `week` or `month`.
        pools: which; all that the history knows where none is named.

    Raises:
        HistoryError: the database cannot be used.
    """
    known = told_apart(pools_of(store))
    chosen = [uuid for uuid in known if not pools or uuid in pools]
    made = (_pool(store, period, policy, uuid, known[uuid]) for uuid in chosen)
    lost = () if pools else tuple(night for night in nights_of(store, period) if not night.pool_uuid)
    told = tuple(each for each in made if each.nights or each.moves or each.alone)
    pools_told = tuple(sorted(told, key=lambda each: each.pool))
    return Report(name=name, period=period, timezone=policy.timezone, pools=pools_told, nowhere=lost)


def told_apart(names: Mapping[Uuid, str]) -> dict[Uuid, str]:
    """*names* of pools by their uuids; those that two share carry the start of the uuid."""
    shared = {name for name, count in Counter(names.values()).items() if count > 1}
    return {uuid: f"{name} ({uuid[:SHORT]})" if name in shared else name for uuid, name in names.items()}


def period_of(store: Store, days: int, until: datetime | None, now: datetime) -> Period:
    """So many *days* up to *until*: by default up to *now*, or the latest night, which pools to practise on have ahead.

    Raises:
        HistoryError: the database cannot be used.
    """
    latest = latest_of(store)
    end = until or max(now, latest + MINUTE if latest else now)
    return Period(since=end - timedelta(days=days), until=end)


def _pool(store: Store, period: Period, policy: Policy, uuid: Uuid, called: str) -> PoolReport:
    of = [uuid]
    nights, moves = nights_of(store, period, of), moves_of(store, period, pools=of)
    return PoolReport(
        pool=called,
        pool_uuid=uuid,
        nights=nights,
        hot=tuple(_hot(hosts_of(store, period, of))),
        moves=moves,
        checks=checks_of(store, period, of),
        wrong=tuple(_wrong(checked_hosts_of(store, period, of), policy.history.prediction_error)),
        flapping=tuple(_flapping(moves, policy.history.flapping_moves)),
        alone=tuple(_alone(moves_of(store, Period.up_to(period.until), pools=of), policy, period)),
        headroom=tuple(_headroom(nights)),
    )


def _hot(rows: Sequence[PlannedHostRow]) -> Iterator[HotHost]:
    by_host = defaultdict[Uuid, list[PlannedHostRow]](list)
    for row in rows:
        if row.peak_before_share is not None:
            by_host[row.host_uuid].append(row)
    found = []
    for uuid, seen in by_host.items():
        hot = [row for row in seen if (row.peak_before_share or 0.0) > row.threshold_share]
        worst = max(seen, key=lambda row: row.peak_before_share or 0.0)
        share = worst.peak_before_share or 0.0
        if hot:
            found.append(
                HotHost(
                    host=worst.host,
                    host_uuid=uuid,
                    nights=len(hot),
                    of=len(seen),
                    worst_share=share,
                    worst_at=worst.made_at,
                )
            )
    yield from sorted(found, key=lambda each: (-each.nights, -each.worst_share, each.host))


def _wrong(rows: Sequence[CheckedHostRow], most: float) -> Iterator[CheckedHostRow]:
    yield from (row for row in rows if row.error_share > most)


def _flapping(moves: Sequence[MoveRow], often: int) -> Iterator[Flapping]:
    by_vm = defaultdict[Uuid, list[MoveRow]](list)
    for move in moves:
        if move.moved:
            by_vm[move.vm_uuid].append(move)
    found = []
    for uuid, made in by_vm.items():
        back = sum(move.target_uuid in {each.source_uuid for each in made[:number]} for number, move in enumerate(made))
        if len(made) >= often or back:
            found.append(Flapping(vm=made[-1].vm, vm_uuid=uuid, moves=len(made), back=back))
    yield from sorted(found, key=lambda each: (-each.moves, each.vm))


def _alone(moves: Sequence[MoveRow], policy: Policy, period: Period) -> Iterator[StubbornVM]:
    """VMs whose last try failed, and that the patience of the policy has not run out for before the period.

    What plans pass over is passed over here: what people cancelled, and VMs that halted or went elsewhere.
    """
    by_vm = defaultdict[Uuid, list[MoveRow]](list)
    for move in moves:
        if StepState(move.state) in TRIED and move.words != AS_ASKED:
            by_vm[move.vm_uuid].append(move)
    found = []
    for uuid, tries in by_vm.items():
        last = tries[-1]
        if StepState(last.state) not in FAILED:
            continue
        looks = [_look(each) for each in tries]
        until = rests_until(looks, policy.limits.leave_alone_nights)
        since = next(each.at for number, each in enumerate(tries) if not any(later.moved for later in tries[number:]))
        if until and until > period.since:
            found.append(
                StubbornVM(
                    vm=last.vm,
                    vm_uuid=uuid,
                    since=since,
                    nights=failed_nights(looks),
                    words=last.words or "no reason given",
                    until=until,
                )
            )
    yield from sorted(found, key=lambda each: (each.since, each.vm))


def _look(move: MoveRow) -> Looked:
    state = StepState(move.state)
    return Looked(at=move.at, step=move.step, state=state, power_state=None, resident_on=None, words=move.words)


def _headroom(nights: Sequence[NightRow]) -> Iterator[Headroom]:
    for night in nights:
        if night.capacity_pcpus and night.busiest_pcpus is not None and night.memory_total_bytes:
            yield Headroom(
                at=night.began_at,
                cpu_share=1 - night.busiest_pcpus / night.capacity_pcpus,
                memory_share=1 - (night.memory_used_bytes or 0) / night.memory_total_bytes,
            )

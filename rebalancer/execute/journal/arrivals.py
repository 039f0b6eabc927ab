"""VMs whose migrations ended after the run that sent them was killed, noted once somebody reads the pool again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from rebalancer.errors import RebalancerError
from rebalancer.execute.journal.entries import AFTERWARDS, Entry, Intended, Looked, RunBegan
from rebalancer.execute.journal.history import histories
from rebalancer.execute.journal.journal import Journal
from rebalancer.execute.journal.outcome import StepState
from rebalancer.execute.journal.past import Journals, entries_of, journals
from rebalancer.inventory import Pool, PowerState, Uuid

LOOKED_BACK = timedelta(days=8)
"""Runs that wrote nothing for longer are left alone: people may have moved their VMs since."""


def note_arrivals(pool: Pool, now: datetime, state_dir: Path | None = None) -> tuple[Uuid, ...]:
    """Note in the journals of runs of *pool* that were killed which VMs have arrived since; those VMs.

    Cool-down and the history know them from then on. A VM that has not arrived, or is still under way, is noted as
    nothing. Whoever calls it holds the lock of the pool. What cannot be written is left.
    """
    found: list[Uuid] = []
    for path in journals(state_dir):
        entries = entries_of(path)
        if not _is_of(entries, pool, now):
            continue
        steps = histories(path, entries).values()
        calls = [each.intended for each in steps if each.unsettled and each.intended]
        arrived = list(_arrived(calls, pool, state_dir))
        with suppress(RebalancerError):
            _note(path, arrived, now)
            found += [call.vm for call in arrived]
    return tuple(found)


def _is_of(entries: Sequence[Entry], pool: Pool, now: datetime) -> bool:
    began = next((each for each in entries if isinstance(each, RunBegan)), None)
    return began is not None and began.pool == pool.uuid and entries[-1].at > now - LOOKED_BACK


def _arrived(calls: Collection[Intended], pool: Pool, state_dir: Path | None) -> Iterator[Intended]:
    """Of *calls*, those whose VM runs where it was to go, is idle, and did not come there by a later step."""
    later: dict[Uuid, datetime] = {}
    for uuid, look in Journals(state_dir).ends({pool.uuid}) if calls else ():
        later[uuid] = max(look.at, later.get(uuid, look.at))
    for call in calls:
        vm = pool.vms.get(call.vm)
        runs = vm and vm.power_state is PowerState.RUNNING and vm.resident_on == call.target != call.source
        if vm and runs and not vm.current_operations and later.get(vm.uuid, call.at) <= call.at:
            yield call


def _note(path: Path, arrived: Sequence[Intended], now: datetime) -> None:
    if not arrived:
        return
    with Journal(path) as journal:
        for call in arrived:
            look = Looked(
                at=now,
                step=call.step,
                vm=call.vm,
                state=StepState.MOVED,
                power_state=PowerState.RUNNING.value,
                resident_on=call.target,
                words=AFTERWARDS,
            )
            journal.append(look)

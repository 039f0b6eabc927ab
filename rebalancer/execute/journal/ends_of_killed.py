"""What became of migrations whose run was killed, noted once somebody reads the pool again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from rebalancer.errors import RebalancerError
from rebalancer.execute.journal.cooling import ONE_NIGHT
from rebalancer.execute.journal.entries import AFTERWARDS, NOT_ARRIVED, Entry, Looked, RunBegan
from rebalancer.execute.journal.history import StepHistory, histories
from rebalancer.execute.journal.journal import Journal
from rebalancer.execute.journal.outcome import StepState
from rebalancer.execute.journal.past import Journals, entries_of, journals
from rebalancer.inventory import VM, Pool, PowerState, Uuid

LOOKED_BACK = timedelta(days=8)
"""Runs that wrote nothing for longer are left alone: people may have moved their VMs since."""


def note_ends(pool: Pool, now: datetime, state_dir: Path | None = None) -> tuple[Uuid, ...]:
    """Note in the journals of runs of *pool* that were killed what became of their last migrations; their VMs.

    Cool-down, patience and the history know them from then on. A VM that is busy is noted as nothing, and neither is
    one that rests where it was while its call may still come. Whoever calls it holds the lock of the pool. What cannot
    be written is left.

    Example:
        >>> from datetime import UTC, datetime
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> rb.execute.note_ends(state.pool, datetime.now(UTC))
        ()
    """
    found: list[Uuid] = []
    for path in journals(state_dir):
        entries = entries_of(path)
        if not _is_of(entries, pool, now):
            continue
        open_steps = [each for each in histories(path, entries).values() if each.unsettled]
        looks = list(_looks(open_steps, pool, now, state_dir))
        with suppress(RebalancerError):
            _note(path, looks)
            found += [look.vm for look in looks]
    return tuple(found)


def _is_of(entries: Sequence[Entry], pool: Pool, now: datetime) -> bool:
    began = next((each for each in entries if isinstance(each, RunBegan)), None)
    return began is not None and began.pool == pool.uuid and entries[-1].at > now - LOOKED_BACK


def _looks(steps: Collection[StepHistory], pool: Pool, now: datetime, state_dir: Path | None) -> Iterator[Looked]:
    """What *pool* shows of the VMs of *steps*, unless a later step moved them, or failed to."""
    later: dict[Uuid, datetime] = {}
    for uuid, look in Journals(state_dir).ends({pool.uuid}) if steps else ():
        later[uuid] = max(look.at, later.get(uuid, look.at))
    for step in steps:
        call = step.intended
        state = _state(step, pool, now)
        if call and state and later.get(call.vm, call.at) <= call.at:
            yield Looked(
                at=now,
                step=call.step,
                vm=call.vm,
                state=state,
                power_state=PowerState.RUNNING.value,
                resident_on=pool.vms[call.vm].resident_on,
                words=AFTERWARDS if state is StepState.MOVED else NOT_ARRIVED,
            )


def _state(step: StepHistory, pool: Pool, now: datetime) -> StepState | None:
    """What became of the last call of *step*; None where its VM does not tell.

    A VM that rests where it was tells it only of a call that XAPI has taken, so long ago that none can wait any more.
    """
    call = step.intended
    vm = pool.vms.get(call.vm) if call else None
    if call is None or vm is None or vm.power_state is not PowerState.RUNNING or _is_busy(vm):
        return None
    if vm.resident_on == call.target != call.source:
        return StepState.MOVED
    long_ago = step.task is not None and now - call.at >= ONE_NIGHT
    return StepState.STAYED if vm.resident_on == call.source and long_ago else None


def _is_busy(vm: VM) -> bool:
    return bool(vm.current_operations) or vm.scheduled_to_be_resident_on is not None


def _note(path: Path, looks: Sequence[Looked]) -> None:
    if not looks:
        return
    with Journal(path) as journal:
        for look in looks:
            journal.append(look)

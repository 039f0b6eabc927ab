"""VMs that moved a short while ago, by the journals of their pool: they rather stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from rebalancer.execute.journal.entries import Intended, Looked, RunBegan
from rebalancer.execute.journal.learned_pace import entries_of, journals
from rebalancer.execute.journal.outcome import StepState
from rebalancer.inventory import Pool, Uuid
from rebalancer.policy import CoolingPolicy, Policy


def cooled(policy: Policy, pool: Pool, now: datetime, state_dir: Path | None = None) -> Policy:
    """*policy* with the guests of *pool* that moved within its `cool_down_hours` before *now* in `cooling`.

    So the plan carries what it was made by, and `verify` needs no journal.
    """
    hours = policy.limits.cool_down_hours
    if not hours:
        return policy
    moved: dict[Uuid, datetime] = {}
    for member in pool.members:
        moved |= moved_since(member.uuid, now - timedelta(hours=hours), state_dir)
    return cooled_after(policy, pool, moved)


def cooled_after(policy: Policy, pool: Pool, moved: Mapping[Uuid, datetime]) -> Policy:
    """*policy* with the guests of *pool* in `cooling` that *moved*, at these times."""
    lasts = timedelta(hours=policy.limits.cool_down_hours)
    warm = sorted(vm.uuid for vm in pool.resident_guests() if vm.uuid in moved)
    cooling = tuple(CoolingPolicy(vm=vm, moved_at=moved[vm], until=moved[vm] + lasts) for vm in warm)
    return policy.model_copy(update={"cooling": (*policy.cooling, *cooling)})


def moved_since(pool: Uuid, since: datetime, state_dir: Path | None = None) -> dict[Uuid, datetime]:
    """When each VM of *pool* last arrived on another host, as far as that was after *since*."""
    moves = (move for path in journals(state_dir) for move in _moves(path, pool))
    return {vm: at for at, vm in sorted(moves) if at > since}


def _moves(path: Path, pool: Uuid) -> Iterator[tuple[datetime, Uuid]]:
    vms: dict[str, Uuid] = {}
    for entry in entries_of(path):
        match entry:
            case RunBegan() if entry.pool != pool:
                return
            case Intended():
                vms[entry.step] = entry.vm
            case Looked() if entry.state is StepState.MOVED and entry.step in vms:
                yield entry.at, vms[entry.step]
            case _:
                pass

"""VMs that moved, or whose move failed, a short while ago, by what earlier runs left behind: they rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from rebalancer.execute.journal.entries import Looked
from rebalancer.execute.journal.outcome import FAILED, StepState
from rebalancer.execute.journal.past import Journals, Past
from rebalancer.inventory import Pool, Uuid
from rebalancer.policy import CoolingPolicy, Policy

ONE_NIGHT = timedelta(hours=12)
"""Failures of a VM that are closer together than this are of one night, and no night lasts longer."""
REFERENCE = "OpaqueRef:"


def cooled(
    policy: Policy, pool: Pool, now: datetime, state_dir: Path | None = None, *, past: Past | None = None
) -> Policy:
    """*policy* with guests of *pool* in `cooling` that moved, or whose moves failed, so short before *now* as it says.

    So the plan carries what it was made by, and `verify` needs no journal. Without a *past*, the journals tell. A VM
    that is not where its move led, because somebody else moved it since, does not cool down.

    Example:
        >>> from datetime import UTC, datetime
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> rb.execute.cooled(rb.Policy(), state.pool, datetime.now(UTC)).cooling
        ()
    """
    known = past or Journals(state_dir)
    hours, moved = policy.limits.cool_down_hours, dict[Uuid, datetime]()
    at = {vm.uuid: vm.resident_on for vm in pool.resident_guests()}
    for member in pool.members if hours else ():
        arrived = _arrived(member.uuid, now - timedelta(hours=hours), known)
        moved |= {vm: look.at for vm, look in arrived.items() if look.resident_on in {None, at.get(vm)}}
    rested = cooled_after(policy, pool, moved) if moved else policy
    alone = tuple(left_alone(pool, now, policy.limits.leave_alone_nights, known))
    return rested.model_copy(update={"cooling": (*rested.cooling, *alone)}) if alone else rested


def cooled_after(policy: Policy, pool: Pool, moved: Mapping[Uuid, datetime]) -> Policy:
    """*policy* with the guests of *pool* in `cooling` that *moved*, at these times.

    Example:
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> mover = next(iter(state.pool.resident_guests()))
        >>> cooling = rb.execute.cooled_after(rb.Policy(), state.pool, {mover.uuid: state.demand.window_end})
        >>> [each.vm == mover.uuid for each in cooling.cooling]
        [True]
    """
    lasts = timedelta(hours=policy.limits.cool_down_hours)
    warm = sorted(vm.uuid for vm in pool.resident_guests() if vm.uuid in moved)
    cooling = tuple(CoolingPolicy(vm=vm, moved_at=moved[vm], until=moved[vm] + lasts) for vm in warm)
    return policy.model_copy(update={"cooling": (*policy.cooling, *cooling)})


def left_alone(pool: Pool, now: datetime, nights: Sequence[float], past: Past) -> Iterator[CoolingPolicy]:
    """The guests of *pool* whose moves failed on so many nights in a row that they are left alone at *now*.

    Args:
        pool: the pool.
        now: a time with a zone.
        nights: for how many a VM is left alone after its first, second, … failure in a row; the last counts for more.
            It is left alone until noon after the last of them, about: nights do not begin to the minute.
        past: what is known of earlier runs.
    """
    looks = defaultdict[Uuid, list[Looked]](list)
    ends = past.ends({each.uuid for each in pool.members})
    for vm, look in sorted(ends, key=lambda end: (end[1].at, end[0])):
        looks[vm].append(look)
    for vm in sorted({vm.uuid for vm in pool.resident_guests()} & looks.keys()) if nights else ():
        *_, last = looks[vm]
        until = rests_until(looks[vm], nights)
        if until and until > now:
            words = code_of(last.error) or last.words or "no reason given"
            yield CoolingPolicy(vm=vm, failed_at=last.at, failed_with=words, until=until)


def code_of(error: Sequence[str]) -> str:
    """XAPI's code with its parameters, without references, which mean nothing once the session is over."""
    return " ".join(each for each in error if not each.startswith(REFERENCE))


def rests_until(looks: Sequence[Looked], nights: Sequence[float]) -> datetime | None:
    """Until when a VM is left alone by *looks* at it, the last one last; None where it last moved, or nobody waits.

    Args:
        looks: what was seen of it after steps.
        nights: as `left_alone` takes them.
    """
    if not looks or not nights or looks[-1].state not in FAILED:
        return None
    lasts = nights[min(failed_nights(looks), len(nights)) - 1]
    return looks[-1].at + timedelta(days=lasts) + (ONE_NIGHT if lasts else timedelta())


def failed_nights(looks: Sequence[Looked]) -> int:
    """On how many nights a VM failed since it last moved, by *looks* at it that end with a failure."""
    count, counted = 0, None
    for look in looks:
        if look.state is StepState.MOVED:
            count, counted = 0, None
        elif counted is None or look.at - counted >= ONE_NIGHT:
            count, counted = count + 1, look.at
    return count


def moved_since(
    pool: Uuid, since: datetime, state_dir: Path | None = None, *, past: Past | None = None
) -> dict[Uuid, datetime]:
    """When each VM of *pool* last arrived on another host, as far as that was after *since*.

    Example:
        >>> from datetime import UTC, datetime, timedelta
        >>> import rebalancer as rb
        >>> state = rb.read("pool.json.gz")
        >>> rb.execute.moved_since(state.pool.uuid, datetime.now(UTC) - timedelta(days=7))
        {}
    """
    return {vm: look.at for vm, look in _arrived(pool, since, past or Journals(state_dir)).items()}


def _arrived(pool: Uuid, since: datetime, past: Past) -> dict[Uuid, Looked]:
    """What was seen of each VM of *pool* when it last arrived on another host after *since*."""
    moves = [(vm, look) for vm, look in past.ends({pool}) if look.state is StepState.MOVED and look.at > since]
    return dict(sorted(moves, key=lambda move: (move[1].at, move[0])))

"""Proof of all stages that were planned, as they were read back, without anything that made them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rebalancer.face.read import PoolState
from rebalancer.plan import Plan
from rebalancer.verify.itinerary import StageFinding, StageToProve, verify_itinerary
from rebalancer.whatif.itinerary import Habit, Purpose
from rebalancer.whatif.rolling_index import RollingIndex


def prove_stages(
    index: RollingIndex, plans: Sequence[Plan], state: PoolState, *, now: datetime
) -> tuple[StageFinding, ...]:
    """What is wrong with the stages of *index*, with their *plans*, from the pool of *state* on; nothing if legal."""
    elsewhere = None if index.returns is Habit.NEVER else {each.vm for each in index.deviations}
    stages, update = tuple(_to_prove(index, plans)), index.update
    return tuple(verify_itinerary(stages, state.pool, state.demand, update=update, elsewhere=elsewhere, now=now))


def _to_prove(index: RollingIndex, plans: Sequence[Plan]) -> Iterator[StageToProve]:
    """The stages of *index* with their *plans*."""
    for name, stage, plan in zip(index.folders, index.stages, plans, strict=True):
        yield StageToProve(
            name=name,
            host=stage.host_uuid,
            empties=stage.purpose is Purpose.EMPTY,
            plan=plan,
            shut_down=tuple(each.vm for each in stage.shut_down),
        )

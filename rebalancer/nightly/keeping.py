"""What nights leave in the history, which none of them depends on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import rebalancer as rb
from rebalancer.errors import InputError
from rebalancer.history.keeping import keep_night, keep_seen
from rebalancer.history.lengthen import within_xapi
from rebalancer.history.nights import HeadRoom, NightRecord, append_night
from rebalancer.history.place import HistoryPlace
from rebalancer.nightly.ending import NightEnd
from rebalancer.nightly.result import NightlyResult
from rebalancer.policy import DemandPolicy


class Keeper:
    """Keeps nothing: overwrite what is to be kept."""

    def reads(self, wanted: DemandPolicy) -> DemandPolicy:
        """How metrics are to be read where they are *wanted* like that."""
        return wanted

    def seen(self, state: rb.PoolState, _policy: rb.Policy) -> rb.PoolState:
        """The pool as it is to be planned on, which was read a moment ago."""
        return state

    def ended(self, night: NightEnd, words: str = "") -> None:
        """Hear how the night ended, and in which words."""


class ListKeeper(Keeper):
    """Adds nights to the list of nights alone: what is known before there is a policy that can be read.

    Args:
        state_dir: the state folder.
        told: hears what there is to say.
    """

    def __init__(self, state_dir: Path | None, told: Callable[[str], None]) -> None:
        self._state_dir, self._told = state_dir, told

    def ended(self, night: NightEnd, words: str = "") -> None:
        """Add it; the history reads it the next time it is filled."""
        try:
            append_night(_record_of(night, words, None), self._state_dir)
        except InputError as error:
            self._told(f"the night is not in the list of nights: {error}")


class HistoryKeeper(Keeper):
    """Keeps load and nights in the history that a policy names.

    Args:
        policy: the policy.
        base: the folder of its file.
        state_dir: the state folder.
        told: hears what there is to say.
    """

    def __init__(
        self,
        policy: rb.Policy,
        base: Path,
        state_dir: Path | None = None,
        told: Callable[[str], None] = lambda _words: None,
    ) -> None:
        self._place = HistoryPlace.of(policy.history, state_dir, base)
        self._policy, self._told = policy, told
        self._room: HeadRoom | None = None

    def reads(self, wanted: DemandPolicy) -> DemandPolicy:
        """No more days than XAPI has; the history knows the others."""
        return within_xapi(wanted)

    def seen(self, state: rb.PoolState, policy: rb.Policy) -> rb.PoolState:
        """The pool with load that looks back as far as *policy* says; what was measured is kept."""
        found = keep_seen(self._place, state.pool, state.demand, policy)
        self._room = found.room
        for words in found.told:
            self._told(words)
        return replace(state, demand=found.demand)

    def ended(self, night: NightEnd, words: str = "") -> None:
        """Note how the night ended, wherever that is noted."""
        told = keep_night(
            self._place, _record_of(night, words, self._room), night.result.plan if night.result else None, self._policy
        )
        for each in told:
            self._told(each)


def _record_of(night: NightEnd, words: str, room: HeadRoom | None) -> NightRecord:
    result: NightlyResult | None = night.result
    return NightRecord(
        policy=night.policy,
        pool=night.pool.uuid,
        pool_name=night.pool.name,
        began_at=night.began,
        ended_at=night.ended,
        exit_code=night.exit_code,
        verdict=night.verdict,
        words=words or (str(result) if result else ""),
        plan=result.plan.digest if result else "",
        folder=str(result.folder.resolve()) if result else "",
        steps=len(result.plan.steps) if result else 0,
        done=night.done,
        room=room,
        timezone=night.timezone,
    )

"""Recorded weeks replayed on a pool: which policy would have done best."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rebalancer.errors import InputError
from rebalancer.face.given import assert_kind, assert_work
from rebalancer.face.history import History
from rebalancer.face.model import assert_state
from rebalancer.inventory import Pool, Uuid
from rebalancer.policy import Policy
from rebalancer.whatif.replay import (
    CarriedOut,
    Contender,
    Greedy,
    HillClimb,
    MadeMove,
    Nothing,
    Planner,
    Replay,
    ReplayReporter,
    first_night,
    pool_before,
)
from rebalancer.whatif.replay import replay as replay_of

if TYPE_CHECKING:
    from rebalancer.demand.recording import Recording
    from rebalancer.face.read import PoolState

DEFAULT = "default"
"""What the default policy is called where no other is named."""
MONTH = 30
"""Nights of a history that are replayed where nobody says how many."""


def replay(
    state: PoolState,
    traces: Path | str | None = None,
    policies: Mapping[str, Policy] | None = None,
    *,
    past: History | None = None,
    nights: int | None = None,
    days_back: int | None = None,
    seconds: float | None = None,
    regret: bool = True,
    reporter: ReplayReporter | None = None,
    executor: Executor | None = None,
) -> Replay:
    """What policies would have made of recorded days, beside doing nothing, a greedy and a hill climb.

    Each night a plan from the days before, the next day as it was recorded. The simple balancers keep the rules of the
    first policy and see what it sees. A history also tells which moves were made: VMs begin where they were before
    them, and what came of them is the row `carried out`.

    Example:
        >>> import rebalancer as rb
        >>> calm = rb.Policy(limits={"minimum_gain_pcpu_hours": 5})
        >>> policies = {"default": rb.Policy(), "calm": calm}
        >>> found = rb.replay(rb.read("pool.json.gz"), "traces.csv", policies, nights=1, seconds=2)
        >>> found.contenders
        ('nothing', 'greedy', 'hill-climb', 'default', 'calm')
        >>> table = rb.frames.replay_frame(found)
        >>> bool(table.overload_pcpu_hours["default"] < table.overload_pcpu_hours["nothing"])
        True

    Args:
        state: the pool as it was before the first night; with *past* as it was after the last one. Its own metrics are
            not looked at.
        traces: a CSV or Parquet file (`vm_uuid`, `time`, `pcpu`) of as many days as can be had.
        policies: each under the name by which tables call it; the default policy where there is none.
        past: earlier nights, `rb.history(...)`, in place of *traces*.
        nights: how many; by default all that the traces hold, or the last 30 of a history.
        days_back: days that have to be recorded before the first night; by default as many as the policies look back.
        seconds: how much work each plan may take, in place of the policies' `limits.solve_seconds`.
        regret: whether each night is compared with a plan that knew the day after; takes as long again.
        reporter: hears of each night; with *executor* once all of them are done.
        executor: replays policies side by side, in processes for instance; by default one after another.

    Raises:
        InputError: neither traces nor a history is given, or both; they cannot be used, or hold too few days; a policy
            looks back further, or empties hosts.
        HistoryError: the history cannot be used.
        MetricsRefused: a number in the traces is impossible.
        PolicyError: a policy does not fit the pool.
        WorkerLost: whoever worked on one policy was lost again and again.
    """
    if (traces is None) == (past is None):
        raise InputError("replay", "it takes recorded load or a history", "Give one of traces and past")
    assert_state(state)
    if past is not None:
        assert_kind(past, History, "rb.history() makes one")
    if seconds is not None:
        assert_work(seconds)
    if policies is not None:
        assert_kind(policies, Mapping, 'write {"calm": rb.Policy(preset="conservative")}')
    for policy in (policies or {}).values():
        assert_kind(policy, Policy, "rb.Policy.load(path) reads one")
    given = {name: _within(policy, seconds) for name, policy in (policies or {DEFAULT: Policy()}).items()}
    back = days_back or max(policy.demand.window_days for policy in given.values())
    if past is None:
        from rebalancer.demand.recording import read_recording  # noqa: PLC0415 - pandas, only where a table is read

        started = _Start(pool=state.pool, recording=read_recording(str(traces), state.pool))
    else:
        started = _of_history(state, past, nights or MONTH, back)
    found = replay_of(
        started.pool,
        started.recording,
        _contenders(given, started.moves),
        days_back=back,
        nights=nights,
        regret=regret,
        reporter=reporter,
        executor=executor,
    )
    return replace(found, put_back=started.put_back(state.pool))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """The pool before the first night, what came afterwards, and the moves that were made."""

    pool: Pool
    recording: Recording
    moves: tuple[MadeMove, ...] = ()

    def put_back(self, now: Pool) -> tuple[Uuid, ...]:
        return tuple(uuid for uuid, vm in self.pool.vms.items() if vm.resident_on != now.vms[uuid].resident_on)


def _of_history(state: PoolState, past: History, nights: int, back: int) -> _Start:
    recording = past.recording(state.pool, state.taken_at, nights + back)
    if recording is None:
        remedy = "Let `rebalancer nightly` run for some weeks, or name a file of recorded load"
        raise InputError("history", "no load of this pool is known", remedy)
    rows = past.moves_made(state.pool, first_night(recording, back), state.taken_at)
    moves = tuple(MadeMove(at=row.at, vm=row.vm_uuid, source=row.source_uuid, target=row.target_uuid) for row in rows)
    return _Start(pool=pool_before(state.pool, moves), recording=recording, moves=moves)


def _contenders(policies: Mapping[str, Policy], moves: tuple[MadeMove, ...]) -> tuple[Contender, ...]:
    first = next(iter(policies.values()))
    made = (CarriedOut(policy=first, moves=moves),) if moves else ()
    simple = (Nothing(policy=first), *made, Greedy(policy=first), HillClimb(policy=first))
    return (*simple, *(Planner(name=name, policy=policy) for name, policy in policies.items()))


def _within(policy: Policy, seconds: float | None) -> Policy:
    if seconds is None:
        return policy
    if seconds <= 0:
        raise InputError("seconds", f"{seconds:g} is no time to solve in", "Give more than 0")
    limits = policy.limits.model_copy(update={"solve_seconds": float(seconds)})
    return policy.model_copy(update={"limits": limits})

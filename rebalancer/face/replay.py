"""Recorded weeks replayed on a pool: which policy would have done best."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rebalancer.errors import InputError
from rebalancer.policy import Policy
from rebalancer.whatif.replay import Contender, Greedy, HillClimb, Nothing, Planner, Replay, ReplayReporter
from rebalancer.whatif.replay import replay as replay_of

if TYPE_CHECKING:
    from rebalancer.face.read import PoolState

DEFAULT = "default"
"""What the default policy is called where no other is named."""


def replay(
    state: PoolState,
    traces: Path | str,
    policies: Mapping[str, Policy] | None = None,
    *,
    nights: int | None = None,
    days_back: int | None = None,
    seconds: float | None = None,
    regret: bool = True,
    reporter: ReplayReporter | None = None,
) -> Replay:
    """What policies would have made of recorded days, beside doing nothing, a greedy and a hill climb.

    Each night a plan from the days before, the next day as it was recorded. The simple balancers keep the rules of the
    first policy and see what it sees.

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
        state: the pool as it was before the first night; its own metrics are not looked at.
        traces: a CSV or Parquet file (`vm_uuid`, `time`, `pcpu`) of as many days as can be had.
        policies: each under the name by which tables call it; the default policy where there is none.
        nights: how many; by default all that the traces hold.
        days_back: days that have to be recorded before the first night; by default as many as the policies look back.
        seconds: how much work each plan may take, in place of the policies' `limits.solve_seconds`.
        regret: whether each night is compared with a plan that knew the day after; takes as long again.
        reporter: hears of each night.

    Raises:
        InputError: the traces cannot be used, or hold too few days; a policy looks back further, or empties hosts.
        MetricsRefused: a number in the traces is impossible.
        PolicyError: a policy does not fit the pool.
    """
    from rebalancer.demand.recording import read_recording  # noqa: PLC0415 - pandas, only where a table is read

    given = {name: _within(policy, seconds) for name, policy in (policies or {DEFAULT: Policy()}).items()}
    back = days_back or max(policy.demand.window_days for policy in given.values())
    return replay_of(
        state.pool,
        read_recording(traces, state.pool),
        _contenders(given),
        days_back=back,
        nights=nights,
        regret=regret,
        reporter=reporter,
    )


def _contenders(policies: Mapping[str, Policy]) -> tuple[Contender, ...]:
    first = next(iter(policies.values()))
    simple = (Nothing(policy=first), Greedy(policy=first), HillClimb(policy=first))
    return (*simple, *(Planner(name=name, policy=policy) for name, policy in policies.items()))


def _within(policy: Policy, seconds: float | None) -> Policy:
    if seconds is None:
        return policy
    if seconds <= 0:
        raise InputError("seconds", f"{seconds:g} is no time to solve in", "Give more than 0")
    limits = policy.limits.model_copy(update={"solve_seconds": float(seconds)})
    return policy.model_copy(update={"limits": limits})

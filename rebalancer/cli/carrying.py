"""A plan that is carried out while somebody watches: begun, or gone on with where its journal ends."""

from __future__ import annotations

from datetime import datetime

import rebalancer as rb
from rebalancer.cli.next_commands import Invocation
from rebalancer.cli.progress import watch_run
from rebalancer.cli.stopping import tell_stop
from rebalancer.errors import StoppedHalfWay
from rebalancer.execute import RunResult, stop_on_signals
from rebalancer.face.run import assert_fits
from rebalancer.plan import Plan


def carried_out(plan: Plan, invocation: Invocation, deadline: datetime | None) -> RunResult:
    """How *plan* ended on the pool of the *invocation*.

    Args:
        plan: as it was read back.
        invocation: where it is carried out, and by which way in.
        deadline: no step is started that would end later; None for any time.

    Raises:
        StoppedHalfWay: people have to look; it tells what to type next.
    """
    assert_fits(plan, invocation.connection)
    try:
        with (
            rb.connect(invocation.url, invocation.connection) as live,
            stop_on_signals(tell=tell_stop) as stop,
            watch_run() as told,
        ):
            return rb.apply(
                plan,
                live,
                journal=invocation.journal,
                state_dir=invocation.state_dir,
                deadline=deadline,
                any_time=invocation.any_time,
                reporter=told,
                stop=stop,
            )
    except StoppedHalfWay as stopped:
        raise stopped.with_ways(invocation.ways_on()) from stopped

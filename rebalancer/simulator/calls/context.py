"""The context of a call: where it arrived, who asks, and the task that it runs as."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rebalancer.simulator.state.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One call.

    Args:
        world: the pool.
        host: ref of the host that was asked.
        session: ref of the caller's session; empty for a login.
        task: ref of the task that the call runs as; a dummy ref for a synchronous call.
    """

    world: World
    host: str
    session: str
    task: str


Handler = Callable[..., Any]
Table = Mapping[str, Handler]


def on_records(work: Handler) -> Handler:
    """The handler of a call that needs no more than the records: `work` on them and its parameters, under the lock."""

    def handler(context: Context, *args: Any) -> Any:  # noqa: ANN401 - any wire type
        with context.world.database.lock:
            return work(context.world.database, *args)

    return handler

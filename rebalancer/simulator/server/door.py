"""One call at the door of a host: what goes wrong before it, the call, and what goes wrong with its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rebalancer.simulator.calls.dispatch import Dispatcher
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.fault import Moment, Occasion
from rebalancer.simulator.state.world import World
from rebalancer.simulator.wire.response import Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How answers are written: their content type, and what makes a text of a result or of a failure's description."""

    kind: str
    success: Callable[..., str]
    failure: Callable[..., str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What one simulated host, given by its ref, answers calls with."""

    world: World
    host: str
    dispatcher: Dispatcher

    def answer(self, method: str, params: list[Any], form: Form) -> Response:
        """The answer to a call.

        Raises:
            ConnectionLost: there is none.
        """
        world, uuid = self.world, self.world.uuid("host", self.host)
        world.strike(Moment.TIME)
        world.strike(Moment.CALL, method=method)
        try:
            for kind, fault in world.faults.due(Occasion.CALL, method=method, host=uuid):
                if kind.effect is not None and (instead := kind.effect(world, fault, method)) is not None:
                    return instead  # type: ignore[no-any-return]  # what an effect of a call answers
            text = form.success(*self.dispatcher.call(self.host, method, params))
        except ApiFailure as error:
            text = form.failure(error.description)
        reply = Response(status=200, kind=form.kind, text=text)
        for kind, fault in world.faults.due(Occasion.ANSWER, method=method, host=uuid):
            if kind.effect is not None:
                reply = kind.effect(world, fault, reply)
        return reply

    def is_away(self) -> str:
        """How the host is out of reach just now, `reset` or `silent`; empty where it is not."""
        if self.host in self.world.down:
            return "reset"
        fault = self.world.faults.take("network-away", host=self.world.uuid("host", self.host))
        return fault.settings.get("how", "reset") if fault else ""

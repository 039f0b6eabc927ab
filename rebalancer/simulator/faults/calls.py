"""What goes wrong before a call is carried out: it is refused, late, or does not get through (XAPI.md 4.1, 4.4, 6)."""

from __future__ import annotations

from typing import Final

from rebalancer.simulator.faults.draws import a_while, between, one_of, some_call, some_read
from rebalancer.simulator.state.failure import ApiFailure, ConnectionLost
from rebalancer.simulator.state.fault import Fault, FaultKind, Occasion, Setting
from rebalancer.simulator.state.world import World
from rebalancer.simulator.wire.response import Response

UNAVAILABLE: Final = "<html><body><h1>503 Service Unavailable</h1>The toolstack is not ready.</body></html>"


def _refuse(_world: World, fault: Fault, _method: str) -> None:
    raise ApiFailure(fault.settings["code"], *fault.settings.get("params", "").split())


def _refuse_more(_world: World, _fault: Fault, _method: str) -> None:
    raise ApiFailure("TOO_MANY_PENDING_TASKS")


def _still_boot(world: World, _fault: Fault, _method: str) -> None:
    raise ApiFailure("HOST_STILL_BOOTING", world.coordinator)


def _reset(_world: World, _fault: Fault, _method: str) -> None:
    raise ConnectionLost


def _be_unavailable(_world: World, _fault: Fault, _method: str) -> Response:
    return Response(status=503, kind="text/html", text=UNAVAILABLE)


def _wait(world: World, fault: Fault, _method: str) -> None:
    world.wait(fault.number("seconds", 1.0))


def _take_turns(world: World, fault: Fault, _method: str) -> None:
    """Let calls in one after the other, so many a second."""
    with world.database.lock:
        turn = max(world.timing.monotonic(), world.next_turn)
        world.next_turn = turn + 1.0 / fault.number("per_second", 5.0)
    world.wait(turn - world.timing.monotonic())


KINDS: Final = (
    FaultKind(
        name="refused",
        words="`method` fails with `code` and `params`",
        occasion=Occasion.CALL,
        effect=_refuse,
        settings={
            "code": Setting(words="XAPI's error code", default="INTERNAL_ERROR", draw=one_of(("INTERNAL_ERROR",))),
            "params": Setting(words="its parameters, between spaces"),
        },
        trigger=some_call,
    ),
    FaultKind(
        name="too-many-tasks",
        words="`method` fails with TOO_MANY_PENDING_TASKS",
        occasion=Occasion.CALL,
        effect=_refuse_more,
        trigger=some_call,
    ),
    FaultKind(
        name="still-booting",
        words="`method` fails with HOST_STILL_BOOTING, as after a restart",
        occasion=Occasion.CALL,
        effect=_still_boot,
        trigger=some_call,
    ),
    FaultKind(
        name="session-expires",
        words="the session is unknown from the next call of `method`, without `Async.`, on: SESSION_INVALID",
        occasion=Occasion.IN_PLACE,
        trigger=some_read,
    ),
    FaultKind(
        name="reset-before",
        words="the connection is reset before `method` is carried out: XAPI never took it",
        occasion=Occasion.CALL,
        effect=_reset,
        trigger=some_call,
    ),
    FaultKind(
        name="unavailable",
        words="`method` is answered with HTTP 503, and not carried out",
        occasion=Occasion.CALL,
        effect=_be_unavailable,
        trigger=some_call,
    ),
    FaultKind(
        name="network-away",
        words="`host`, or every host, refuses connections and breaks those that there are; with `how` = silent nobody "
        "answers instead",
        occasion=Occasion.IN_PLACE,
        settings={"how": Setting(words="reset or silent", default="reset", draw=one_of(("reset", "silent")))},
        trigger=a_while,
    ),
    FaultKind(
        name="slow",
        words="`method` is carried out and answered `seconds` late",
        occasion=Occasion.CALL,
        effect=_wait,
        settings={"seconds": Setting(words="seconds", default="1", draw=between(0.1, 20.0))},
        trigger=some_call,
    ),
    FaultKind(
        name="rate-limited",
        words="calls of `method` are let in one after the other, `per_second` of them",
        occasion=Occasion.CALL,
        effect=_take_turns,
        settings={"per_second": Setting(words="calls a second", default="5", draw=between(1.0, 20.0))},
        trigger=a_while,
    ),
    FaultKind(
        name="old-login",
        words="a login takes no originator, like XenServer 6.1 and older",
        occasion=Occasion.IN_PLACE,
    ),
    FaultKind(
        name="no-json",
        words="the toolstack does not speak JSON-RPC, like XenServer 6.5 and older",
        occasion=Occasion.IN_PLACE,
    ),
)

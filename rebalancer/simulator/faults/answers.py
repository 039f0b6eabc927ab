"""What goes wrong once a call was carried out: its answer is lost, cut, malformed or slow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from rebalancer.simulator.faults.draws import between, one_of, some_call
from rebalancer.simulator.state.failure import ConnectionLost
from rebalancer.simulator.state.fault import Fault, FaultKind, Occasion, Setting
from rebalancer.simulator.state.world import World
from rebalancer.simulator.wire.response import Response

_HEAD: Final = '<?xml version="1.0"?><methodResponse><params><param><value><struct>'
_TAIL: Final = "</struct></value></param></params></methodResponse>"
DEEP: Final = 100_000
LONG: Final = 20_000_000


def _struct(**members: str) -> str:
    inner = "".join(f"<member><name>{name}</name><value>{value}</value></member>" for name, value in members.items())
    return f"{_HEAD}{inner}{_TAIL}"


FORMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "empty": "",
        "html": "<html><body><h1>502 Bad Gateway</h1></body></html>",
        "text": "xapi is restarting",
        "bad-int": _struct(Status="Success", Value="<int>twelve</int>"),
        "bad-date": _struct(Status="Success", Value="<dateTime.iso8601>yesterday</dateTime.iso8601>"),
        "wrong-type": _struct(Status="Success", Value="<array><data><value><int>7</int></value></data></array>"),
        "no-value": _struct(Status="Success"),
        "odd-status": _struct(Status="Perhaps", Value=""),
        "no-status": _struct(Value=""),
        "failure-without-code": _struct(Status="Failure", ErrorDescription="<array><data></data></array>"),
        "failure-as-text": _struct(Status="Failure", ErrorDescription="INTERNAL_ERROR"),
        "two-values": f"{_HEAD}{_TAIL}".replace("</param>", "</param><param><value>x</value></param>"),
        "fault": "<?xml version='1.0'?><methodResponse><fault><value>no</value></fault></methodResponse>",
        "request": "<?xml version='1.0'?><methodCall><methodName>VM.start</methodName></methodCall>",
        "open-tag": f"{_HEAD}<member><name>Status</name><value>Success",
        "entity": '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>' + _struct(Status="&b;", Value=""),
        "bare-ampersand": _struct(Status="Success", Value="R&D"),
        "deep": _struct(Status="Success", Value="<array><data><value>" * DEEP),
        "long": _struct(Status="Success", Value="x" * LONG),
    }
)
"""Answers that are none, by name."""


def _lose(_world: World, _fault: Fault, _reply: Response) -> Response:
    raise ConnectionLost


def _keep(world: World, fault: Fault, _reply: Response) -> Response:
    world.wait(fault.number("seconds", 60.0))
    raise ConnectionLost


def _cut(_world: World, fault: Fault, reply: Response) -> Response:
    return replace(reply, cut=int(len(reply.text) * min(1.0, fault.number("share", 0.5))))


def _replace(_world: World, fault: Fault, reply: Response) -> Response:
    return replace(reply, text=FORMS[fault.settings.get("form", "empty")])


def _drip(_world: World, fault: Fault, reply: Response) -> Response:
    return replace(reply, pause=1.0 / fault.number("per_second", 1.0))


KINDS: Final = (
    FaultKind(
        name="connection-reset",
        words="the connection is reset after `method` was carried out",
        occasion=Occasion.ANSWER,
        effect=_lose,
        trigger=some_call,
    ),
    FaultKind(
        name="no-answer",
        words="`method` is carried out, and nobody answers; after `seconds` the connection is reset",
        occasion=Occasion.ANSWER,
        effect=_keep,
        settings={"seconds": Setting(words="seconds", default="60", draw=between(5.0, 90.0))},
        trigger=some_call,
    ),
    FaultKind(
        name="truncated",
        words="`method` is carried out, and the connection breaks after a `share` of its answer",
        occasion=Occasion.ANSWER,
        effect=_cut,
        settings={"share": Setting(words="0 to 1", default="0.5", draw=between(0.0, 0.99))},
        trigger=some_call,
    ),
    FaultKind(
        name="malformed",
        words=f"`method` is carried out, and answered with what is no answer; its `form` is {', '.join(FORMS)}",
        occasion=Occasion.ANSWER,
        effect=_replace,
        settings={"form": Setting(words="one of those", default="empty", draw=one_of(tuple(FORMS)))},
        trigger=some_call,
    ),
    FaultKind(
        name="dripping",
        words="`method` is carried out, and its answer comes `per_second` bytes a second",
        occasion=Occasion.ANSWER,
        effect=_drip,
        settings={"per_second": Setting(words="bytes a second", default="1", draw=between(1.0, 100.0))},
        trigger=some_call,
    ),
)

"""The server over HTTP: who is let in, how much is read and how long is waited, before a call is looked at."""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from rebalancer.wlb.accounts import Accounts, Throttle
from rebalancer.wlb.measures import Measures
from rebalancer.wlb.protocol.answers import fault
from rebalancer.wlb.protocol.calls import call_in
from rebalancer.wlb.protocol.elements import MOST_BYTES, MalformedCall
from rebalancer.wlb.service import Service

PATH: Final = "/Citrix.Dwm.WorkloadBalance/Service"
BODY_SECONDS: Final = 10.0
"""How long a body may take to come; XAPI sends it with the head."""
NOBODY: Final = "-"
"""Method of what is no call, in measures."""
UNAUTHORISED: Final = Response(status_code=401, headers={"WWW-Authenticate": 'Basic realm="rebalancer"'})


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontDoor:
    """What stands between HTTP and the service."""

    service: Service
    accounts: Accounts
    measures: Measures
    told: Callable[[str], None]
    throttle: Throttle = field(default_factory=Throttle)

    async def call(self, request: Request) -> Response:
        """Answer a call: 401 to strangers, and 200 to everybody else, because XAPI looks at nothing else."""
        began = time.monotonic()
        if not await self._is_known(request):
            self.measures.note(NOBODY, "unauthorised", time.monotonic() - began)
            return UNAUTHORISED
        method, outcome, content = await self._answered(request)
        self.measures.note(method, outcome, time.monotonic() - began)
        return Response(content, media_type="text/xml; charset=utf-8", headers={"Connection": "close"})

    async def _answered(self, request: Request) -> tuple[str, str, bytes]:
        try:
            call = call_in(await _body(request))
        except MalformedCall as error:
            return NOBODY, "malformed", fault(str(error))
        except (ClientDisconnect, TimeoutError):
            return NOBODY, "malformed", fault("the call did not come whole, or not in time")
        try:
            content = await run_in_threadpool(self.service.answer, call)
        except Exception as error:  # noqa: BLE001 - XAPI is told that it went wrong, the journal what
            self.told(f"{call.method}: unforeseen {type(error).__name__}: {error}")
            return call.method, "failed", fault("something went wrong here; its log tells what")
        return call.method, "refused" if b"<s:Fault>" in content else "answered", content

    async def metrics(self, request: Request) -> Response:
        """Figures for Prometheus, for whoever has an account."""
        if not await self._is_known(request):
            return UNAUTHORISED
        return Response(self.measures.text(), media_type="text/plain; version=0.0.4")

    async def health(self, _request: Request) -> Response:
        """Whether every pool was seen lately: 200 or 503, and nothing else to strangers."""
        stale = any(watch.view is None for watch in self.service.watches.values())
        return Response("stale\n" if stale else "ok\n", status_code=503 if stale else 200, media_type="text/plain")

    async def _is_known(self, request: Request) -> bool:
        address = request.client.host if request.client else ""
        login = _login(request.headers.get("authorization", ""))
        if self.throttle.is_shut(address):
            return False
        admitted: bool = login is not None and await run_in_threadpool(self.accounts.admits, login[0], login[1])
        if not admitted:
            self.throttle.note(address)
        return admitted


def _login(header: str) -> tuple[str, str] | None:
    """User and password of a Basic login."""
    scheme, _, code = header.partition(" ")
    try:
        user, colon, password = base64.b64decode(code, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, password) if scheme.lower() == "basic" and colon else None


async def _body(request: Request) -> bytes:
    """The body, as far as a call can be long.

    Raises:
        MalformedCall: it is longer.
        TimeoutError: it does not come.
    """
    parts, length = [], 0
    async with asyncio.timeout(BODY_SECONDS):
        async for part in request.stream():
            length += len(part)
            if length > MOST_BYTES:
                raise MalformedCall(f"the call is longer than {MOST_BYTES} bytes")
            parts.append(part)
    return b"".join(parts)


def app_of(door: FrontDoor) -> Starlette:
    """The application: calls, `/metrics` and `/healthz`."""
    return Starlette(
        routes=[
            Route(PATH, door.call, methods=["POST"]),
            Route("/metrics", door.metrics),
            Route("/healthz", door.health),
        ]
    )

"""The simulated hosts' HTTP: one listening socket a host, one thread a connection, kept alive."""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import ssl
import struct
import xmlrpc.client
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler
from threading import Thread
from typing import Any
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

from rebalancer.simulator.rrd.endpoints import RrdEndpoints
from rebalancer.simulator.server.door import Door, Form
from rebalancer.simulator.state.clock import PoolClock, shown
from rebalancer.simulator.state.failure import ConnectionLost
from rebalancer.simulator.state.world import World
from rebalancer.simulator.wire import jsonform, xmlform
from rebalancer.simulator.wire.response import Response

BACKLOG = 128
# No call is longer.
MOST_BYTES = 2**26
LOOK_SECONDS = 0.1
CLOCK = "/simulator/clock"
"""Beside what XAPI serves: GET tells the time of the pool, PUT sets it."""
LONGEST_TIME = 64
BROKEN = (
    "<html><body><h1>HTTP 500 internal server error</h1>An unexpected error occurred; please wait a while and try "
    "again. If the problem persists, please contact your support representative.<h1> Additional information </h1>"
    "{}</body></html>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSite:
    """What one simulated host answers calls and GET requests with."""

    door: Door
    rrds: RrdEndpoints
    clock: PoolClock

    @property
    def world(self) -> World:
        """The pool that it is in."""
        return self.door.world


class Handler(BaseHTTPRequestHandler):
    """One connection to one host."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    site: HostSite

    def do_POST(self) -> None:
        """Answer an API call."""
        length = self.headers.get("Content-Length", "0")
        if not (length.isdecimal() and int(length) <= MOST_BYTES):
            self.close_connection = True
            self._broken("Content-Length")
            return
        body = self.rfile.read(int(length))
        # Whatever the path, XAPI takes what is posted for a call.
        in_json = urlsplit(self.path).path == "/jsonrpc" and not self.site.world.faults.take("no-json")
        (self._json_rpc if in_json else self._xml_rpc)(body)

    def do_GET(self) -> None:
        """Answer a request for metrics, or for the clock."""
        if self.path == CLOCK:
            self._answer(Response(status=200, kind="text/plain", text=f"{shown(self.site.clock())}\n"))
            return
        self._answer(self.site.rrds.answer(self.site.door.host, self.path, self.headers))

    def do_PUT(self) -> None:
        """Set the clock; XAPI takes nothing this way that is played here."""
        length = self.headers.get("Content-Length", "0")
        if self.path != CLOCK or not (length.isdecimal() and int(length) <= LONGEST_TIME):
            self.close_connection = True
            self._answer(Response(status=404, kind="text/plain", text=f"only {CLOCK} can be set\n"))
            return
        try:
            now = self.site.clock.put(self.rfile.read(int(length)).decode("ascii", "replace"))
        except ValueError as error:
            self._answer(Response(status=400, kind="text/plain", text=f"{error}\n"))
        else:
            self._answer(Response(status=200, kind="text/plain", text=f"{shown(now)}\n"))

    def parse_request(self) -> bool:
        """Whether there is a request to answer; none gets through to a host that is out of reach."""
        return super().parse_request() and not self._is_away()

    def _is_away(self) -> bool:
        away = self.site.door.is_away()
        if away == "silent":
            self._keep_silent()
        if away:
            self._reset()
        return bool(away)

    def _keep_silent(self) -> None:
        while not self.site.world.wait(LOOK_SECONDS) and self.site.door.is_away():
            pass

    def send_response(self, code: int, message: str | None = None) -> None:
        """Begin an answer as XAPI does, without the headers Server and Date."""
        self.send_response_only(code, message)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing: the simulator's standard error belongs to whoever runs it."""

    def _xml_rpc(self, body: bytes) -> None:
        try:
            params, method = xmlrpc.client.loads(body)
        except (ExpatError, xmlrpc.client.Error, ValueError, TypeError, AttributeError, IndexError) as error:
            self._broken(f"Xmlm.Error({error})")
            return
        if not isinstance(method, str):
            self._broken("Xmlm.Error(no method)")
            return
        # A parameter goes without the wrapper that xmlrpc.client puts around a time.
        plain = [str(p) if isinstance(p, xmlrpc.client.DateTime) else p for p in params]
        success = xmlform.bare if method == "system.listMethods" else xmlform.success
        self._call(method, plain, Form(kind="text/xml", success=success, failure=xmlform.failure))

    def _json_rpc(self, body: bytes) -> None:
        try:
            request = json.loads(body)
            method, params = request["method"], list(request.get("params", []))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            self._broken(str(error))
            return
        if not isinstance(method, str):
            self._broken("no method")
            return
        success, failure = partial(jsonform.success, request), partial(jsonform.failure, request)
        self._call(method, params, Form(kind="application/json", success=success, failure=failure))

    def _call(self, method: str, params: list[Any], form: Form) -> None:
        try:
            self._answer(self.site.door.answer(method, params, form))
        except ConnectionLost:
            self._reset()

    def _reset(self) -> None:
        self.close_connection = True
        _reset(self.connection)

    def _broken(self, why: str) -> None:
        self._answer(Response(status=500, kind="text/html", text=BROKEN.format(xmlform.escape(why))))

    def _answer(self, answer: Response) -> None:
        raw = answer.text.encode()
        self.send_response(answer.status)
        for name, value in {**answer.headers, "Content-Type": answer.kind, "Content-Length": str(len(raw))}.items():
            self.send_header(name, value)
        self.send_header("Cache-Control", "no-cache, no-store")
        self.end_headers()
        self._write(raw[: answer.cut], answer.pause)
        if answer.cut is not None:
            self._reset()

    def _write(self, raw: bytes, pause: float) -> None:
        """Write the body, at once or byte after byte."""
        for part in [raw] if pause <= 0.0 else [raw[place : place + 1] for place in range(len(raw))]:
            self.wfile.write(part)
            self.wfile.flush()
            if self.site.world.wait(pause) and pause > 0.0:
                return


class Acceptor:
    """Accepts connections for {address: site} in one thread and serves each in a thread of its own.

    The port is the same on every address: the given one, or for 0 any free one.
    """

    def __init__(self, sites: Mapping[str, HostSite], port: int, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._selector = selectors.DefaultSelector()
        self._open: set[socket.socket] = set()
        self.port = port
        for address, site in sites.items():
            listening = socket.create_server((address, self.port), backlog=BACKLOG)
            self.port = listening.getsockname()[1]
            self._selector.register(listening, selectors.EVENT_READ, site)
        self._thread = Thread(target=self._accept, name="simulated pool", daemon=True)
        self._wake, waker = socket.socketpair()
        self._selector.register(waker, selectors.EVENT_READ, None)

    def start(self) -> None:
        """Begin to accept connections."""
        self._thread.start()

    def stop(self) -> None:
        """Close every socket; requests under way lose their connection."""
        self._wake.send(b"!")
        self._thread.join()
        for connection in list(self._open):
            _shut(connection)

    def _accept(self) -> None:
        while True:
            ready = self._selector.select()
            if any(key.data is None for key, _ in ready):
                break
            for key, _ in ready:
                connection, address = key.fileobj.accept()  # type: ignore[union-attr]
                Thread(target=self._serve, args=(connection, address, key.data), daemon=True).start()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()
        self._wake.close()

    def _serve(self, connection: socket.socket, address: Any, site: HostSite) -> None:  # noqa: ANN401 - as accept gives it
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if site.door.is_away() == "reset":
            _reset(connection)
            return
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            self._open.add(connection)
            handler = type("SiteHandler", (Handler,), {"site": site})
            handler(connection, address, None)
        except OSError:
            # The client went away, spoke no TLS, or the simulator stops: nobody is left to tell.
            pass
        finally:
            self._open.discard(connection)
            _shut(connection)


def _reset(connection: socket.socket) -> None:
    """Close a connection so that the client sees a reset, not an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _shut(connection: socket.socket) -> None:
    # It may be closed already.
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()

"""A mail server and a webhook on this machine that keep what they are sent."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

HERE = "127.0.0.1"
USER, SECRET = "night", "hush-9c2e"


@dataclass(slots=True, kw_only=True)
class Kept:
    """What came, and where to send to: with the right secret, and with a wrong one."""

    url: str
    wrong_url: str
    mails: list[EmailMessage] = field(default_factory=list)
    posts: list[dict[str, Any]] = field(default_factory=list)


class _Mails:
    """A handler of aiosmtpd."""

    def __init__(self) -> None:
        self.came: list[EmailMessage] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: Envelope) -> str:  # noqa: N802 - its name
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.came.append(mail)
        return "250 OK"


@contextmanager
def mail_server() -> Iterator[Kept]:
    """A server that lets only USER in, with SECRET."""

    def knows(*arguments: Any) -> AuthResult:  # noqa: ANN401 - as aiosmtpd calls it
        given = arguments[-1]
        right = isinstance(given, LoginPassword) and (given.login, given.password) == (USER.encode(), SECRET.encode())
        return AuthResult(success=right, handled=False)

    handler = _Mails()
    with socket.create_server((HERE, 0)) as free:
        port = free.getsockname()[1]
    server = Controller(handler, HERE, port, authenticator=knows, auth_require_tls=False, auth_required=True)
    server.start()
    try:
        way = f"{HERE}:{port}?from=night@pool.test&to=ops@pool.test"
        kept = Kept(url=f"mailto://{USER}:{SECRET}@{way}", wrong_url=f"mailto://{USER}:{SECRET}x@{way}")
        kept.mails = handler.came
        yield kept
    finally:
        server.stop()


@contextmanager
def webhook() -> Iterator[Kept]:
    """A server that takes JSON at a path that is the secret."""
    came: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            right = self.path == f"/{SECRET}"
            if right:
                came.append(json.loads(body))
            self.send_response(200 if right else 403)
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer((HERE, 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        way = f"json://{HERE}:{server.server_port}"
        yield Kept(url=f"{way}/{SECRET}", wrong_url=f"{way}/{SECRET}x", posts=came)
        server.shutdown()

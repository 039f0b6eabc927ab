"""A question to a Workload Balancing server, as XAPI sends it over HTTP, and the body of what comes back."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape

from rebalancer.simulator.state.failure import ApiFailure

PATH = "/Citrix.Dwm.WorkloadBalance/Service"
ACTION = "http://schemas.citrix.com/DWM/IWorkloadBalance"
ENVELOPE = """<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">
  <s:Body>
    <{method} xmlns="http://schemas.citrix.com/DWM">
      <request xmlns:i="http://www.w3.org/2001/XMLSchema-instance">
        {inside}
      </request>
    </{method}>
  </s:Body>
</s:Envelope>"""
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
OK, REFUSED = 200, (401, 403)
MOST_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server: where it is, as in `wlb_url`, who logs in there, and how.

    Args:
        url: host:port.
        user: who logs in.
        password: the password.
        seconds: how long an answer may take.
        tls: over HTTPS; XAPI never does without.
        verify: whether the certificate is looked at.
    """

    url: str
    user: str
    password: str
    seconds: float = 30.0
    tls: bool = True
    verify: bool = False

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; a path is cut off.

        Raises:
            ApiFailure: the URL has a scheme, or no port.
        """
        host, colon, port = self.url.partition("/")[0].rpartition(":")
        if "://" in self.url or not colon or not host or not port.isdecimal() or int(port) > MOST_PORT:
            raise ApiFailure("WLB_URL_INVALID", self.url)
        return host.strip("[]"), int(port)


def ask(server: Server, method: str, inside: str) -> bytes:
    """The body of the answer to a method.

    Raises:
        ApiFailure: there is none, or it has another status than 200.
    """
    body = ENVELOPE.format(method=method, inside=inside).encode()
    try:
        raw = _exchanged(server, _head(server, method, len(body)) + body)
    except ConnectionRefusedError:
        raise ApiFailure("WLB_CONNECTION_REFUSED") from None
    except TimeoutError:
        raise ApiFailure("WLB_TIMEOUT", f"{server.seconds:g}.") from None
    except OSError:
        raise ApiFailure("WLB_CONNECTION_RESET") from None
    return content_of(raw)


def content_of(raw: bytes) -> bytes:
    """The body of a raw answer, which XAPI looks at only where the status is 200; it knows no chunks."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    status = int(words[1]) if len(words) > 1 and words[1].isdecimal() else 0
    if status in REFUSED:
        raise ApiFailure("WLB_AUTHENTICATION_FAILED")
    if status != OK:
        raise ApiFailure("WLB_CONNECTION_RESET")
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-length" and value.strip().isdecimal():
            if len(body) < int(value):
                raise ApiFailure("INTERNAL_ERROR", "End_of_file")
            return body[: int(value)]
    return body


def _head(server: Server, method: str, length: int) -> bytes:
    login = base64.b64encode(f"{server.user}:{server.password}".encode()).decode()
    lines = (
        f"POST {PATH} HTTP/1.1",
        f"content-length: {length}",
        "user-agent: xapi/0.0",
        "connection: close",
        f'SOAPAction: "{ACTION}/{method}"',
        "Content-Type: text/xml; charset=utf-8",
        f"Authorization: Basic {login}",
        f"Host: {server.address[0]}",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _exchanged(server: Server, request: bytes) -> bytes:
    with socket.create_connection(server.address, timeout=server.seconds) as plain:
        connection = _context(server).wrap_socket(plain, server_hostname=server.address[0]) if server.tls else plain
        with connection:
            connection.sendall(request)
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
    return b"".join(parts)


def _context(server: Server) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not server.verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def texts(**words: str) -> str:
    """Elements in a request; passwords are escaped, uuids and URLs go as they are."""
    return "\n".join(f"<{name}>{escape(text)}</{name}>" for name, text in words.items())


def parms(pairs: Iterable[tuple[str, str]]) -> str:
    """The configuration in a request."""
    rows = "\n".join(
        f"<b:KeyValueOfstringstring><b:Key>{escape(key)}</b:Key><b:Value>{escape(value)}</b:Value>"
        "</b:KeyValueOfstringstring>"
        for key, value in pairs
    )
    return f'\n    <OptimizationParms xmlns:b="{ARRAYS}">\n      {rows}\n    </OptimizationParms>\n'

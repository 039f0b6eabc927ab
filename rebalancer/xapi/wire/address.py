"""Where a pool is: the parts of its URL, checked before anything is sent."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import SplitResult, urlsplit

from rebalancer.errors import ConnectionSettingsError

PORTS: Final = {"https": 443, "http": 80}
FORM: Final = "Write https://HOST or https://HOST:PORT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A host to talk to; plain `http` leads to this machine only."""

    scheme: str
    host: str
    port: int

    def __post_init__(self) -> None:
        """Refuse to send passwords over a network in the clear."""
        if self.scheme == "http" and not is_loopback(self.host):
            problem = "plain http would send the password in the clear"
            raise ConnectionSettingsError(str(self), problem, f"Use https://{self.authority}")

    @property
    def authority(self) -> str:
        """Host and, where it is not the usual one, port, as in a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"

    def at(self, other: str) -> Address:
        """The same scheme and port on another host of the pool, which XAPI names as `host` or `host:port`.

        Raises:
            ConnectionSettingsError: it is no address, or not on this machine although the scheme is `http`.
        """
        if other.count(":") > 1 and not other.startswith("["):
            return replace(self, host=other)
        named = _split(f"//{other}")
        if not named.hostname:
            problem = f"it names a host by {other!r}"
            raise ConnectionSettingsError(str(self), problem, "Look at the host's address with xe")
        return replace(self, host=named.hostname, port=named.port or self.port)


def parse_url(url: str) -> Address:
    """The address in *url*.

    Raises:
        ConnectionSettingsError: it is no `https://host[:port]`, holds a password, or is plain `http` to
            another machine.
    """
    parts = _split(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ConnectionSettingsError(url, "it is not the URL of a pool", FORM)
    if parts.username is not None or parts.password is not None:
        raise ConnectionSettingsError(
            f"{parts.scheme}://...@{parts.hostname}",
            "a URL must not hold a user or password",
            "Put them into REBALANCER_USER and REBALANCER_PASSWORD, or into a file",
        )
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ConnectionSettingsError(url, "it has more than host and port", FORM)
    return Address(scheme=parts.scheme, host=parts.hostname, port=parts.port or PORTS[parts.scheme])


def is_loopback(host: str) -> bool:
    """Whether *host* is surely this machine: 127.0.0.0/8, ::1 or `localhost`."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        if bracketed := _bracketed(url):
            problem = "an IPv6 address stands in it without brackets"
            raise ConnectionSettingsError(url, problem, f"Put it into brackets: {bracketed}") from None
        raise ConnectionSettingsError(url, f"it is not a URL ({error})", FORM) from None
    return parts


def _bracketed(url: str) -> str:
    """What *url* may mean, if it holds an IPv6 address without brackets: its last digits may be a port."""
    scheme, _, rest = url.partition("//")
    whole = rest.partition("/")[0]
    head, _, port = whole.rpartition(":")
    forms = [in_brackets(whole)]
    if port.isdecimal() and in_brackets(head):
        forms.append(f"{in_brackets(head)}:{port}")
    return ", or, with a port, ".join(f"{scheme}//{form}" for form in forms if form)


def in_brackets(host: str) -> str:
    """An IPv6 address as it stands in URLs; nothing for what is none."""
    try:
        return f"[{ipaddress.IPv6Address(host)}]" if host else ""
    except ValueError:
        return ""

"""Whether a pool asks a Workload Balancing server, and which: XAPI's settings of it, read and changed.

They change whom XAPI asks and nothing that runs; to set them twice is to set them once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rebalancer.inventory.reading.fields import Fields
from rebalancer.xapi.credentials import Credentials
from rebalancer.xapi.session import ReadSession
from rebalancer.xapi.translation import understanding


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancingState:
    """Whom a pool asks: `url` is `HOST:PORT`, empty where it asks nobody."""

    url: str
    user: str
    enabled: bool
    verifies: bool


class Balancing:
    """The settings of one pool; `send` sends what may just as well be sent twice.

    Every method may raise `Unreachable`, and `RefusedByXapi` with what XAPI says of the server.
    """

    def __init__(self, session: ReadSession, send: Callable[..., object]) -> None:
        self._session, self._send = session, send

    def state(self) -> BalancingState:
        """Whom the pool asks now."""
        (record,) = self._session.all_records("pool").values()
        fields = Fields("pool", record)
        with understanding(self._session.url):
            return BalancingState(
                url=fields.text("wlb_url"),
                user=fields.text("wlb_username"),
                enabled=fields.boolean("wlb_enabled", absent=False),
                verifies=fields.boolean("wlb_verify_cert", absent=False),
            )

    def connect(self, url: str, account: Credentials, pool: Credentials, *, verify: bool) -> None:
        """Have the pool ask the server at *url*, `HOST:PORT`, as *account*, and tell it how to get in as *pool*.

        *verify* is set first, so that no login goes to a server that does not prove who it is.
        """
        self._send("pool.set_wlb_verify_cert", self._pool(), verify)
        self._send("pool.initialize_wlb", url, account.user, account.password, pool.user, pool.password)
        enabled = True
        self._send("pool.set_wlb_enabled", self._pool(), enabled)

    def disconnect(self) -> None:
        """Have the pool ask nobody."""
        self._send("pool.deconfigure_wlb")

    def _pool(self) -> str:
        (ref,) = self._session.all_records("pool")
        return ref

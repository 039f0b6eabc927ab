"""Telling a pool whom to ask, and that it is over."""

from __future__ import annotations

import rebalancer as rb
from rebalancer.xapi import LivePool, live_pool
from rebalancer.xapi.balancing import BalancingState


def have_ask(
    url: str, connection: rb.Connection, server: str, account: rb.Credentials, *, verify: bool
) -> BalancingState:
    """Have the pool at *url* ask *server*, `HOST:PORT`, as *account*; the server gets in as *connection* does.

    Raises:
        XapiError: the pool cannot be reached, or it refuses with what it says of the server.
    """
    with _pool(url, connection) as live:
        live.balancing.connect(server, account, connection.login(), verify=verify)
        return live.balancing.state()


def have_asked(url: str, connection: rb.Connection) -> str:
    """Have the pool at *url* ask nobody any more; whom it asked, `HOST:PORT`.

    Raises:
        XapiError: the pool cannot be reached, or it asked nobody.
    """
    with _pool(url, connection) as live:
        before = live.balancing.state()
        live.balancing.disconnect()
        return before.url


def _pool(url: str, connection: rb.Connection) -> LivePool:
    return live_pool(url, connection.login(), connection.trust(), **connection.wishes())

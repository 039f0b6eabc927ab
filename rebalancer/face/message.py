"""Messages in a pool, as XenCenter and Xen Orchestra show them."""

from __future__ import annotations

from rebalancer.face.connection import Connection
from rebalancer.inventory import Uuid
from rebalancer.xapi import live_pool

NAME = "NIGHTLY_REBALANCER"
"""What kind of message it is: XAPI and its clients know no sentence for it, and show the body."""
URGENT, INFORMATION = 3, 5
"""Priorities as XAPI has them: service degraded, and information."""


def leave_message(url: str, connection: Connection, pool: Uuid, body: str, *, urgent: bool) -> None:
    """Leave a message about *pool* in the pool at *url*; where no answer comes, it may be there twice.

    Raises:
        RefusedByXapi: the user's role does not permit it: pool operator is the least.
        XapiError: the pool cannot be reached, or does not let anybody in.
    """
    with live_pool(url, connection.login(), connection.trust(), **connection.wishes()) as live:
        live.marks.leave_message(pool, NAME, URGENT if urgent else INFORMATION, body)

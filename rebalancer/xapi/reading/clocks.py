"""The clocks of the hosts, beside this machine's."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from rebalancer.errors import RefusedByXapi, Unreachable
from rebalancer.inventory import Host, Pool, Uuid
from rebalancer.xapi.session import ReadSession
from rebalancer.xapi.values import MetricsFailure


def read_clocks(
    session: ReadSession, pool: Pool, now: Callable[[], float] = time.time
) -> dict[Uuid, float | MetricsFailure]:
    """How many seconds the clock of each live host is ahead of this machine's, or why nobody knows, by uuid.

    Raises:
        XapiError: the coordinator cannot be asked.
    """
    found: dict[Uuid, float | MetricsFailure] = {}
    for host in pool.hosts.values():
        try:
            found[host.uuid] = _ahead(session, host, now)
        except Unreachable as error:
            session.ref("host", pool.coordinator)  # raises where it is the coordinator that does not answer
            found[host.uuid] = MetricsFailure(host=host.uuid, reason=f"asked for its clock: {error.problem}")
    return found


def _ahead(session: ReadSession, host: Host, now: Callable[[], float]) -> float | MetricsFailure:
    """Between question and answer half of the time had passed when the host looked at its clock, as far as we know."""
    if not host.live:
        return MetricsFailure(host=host.uuid, reason="the host is not live")
    try:
        ref = session.ref("host", host.uuid)
        asked = now()
        shown = parse_clock(session.server_time(ref)).timestamp()
        return shown - (asked + now()) / 2
    except RefusedByXapi as error:
        return MetricsFailure(host=host.uuid, reason=error.problem)
    except ValueError as error:
        return MetricsFailure(host=host.uuid, reason=f"its clock cannot be read ({error})")


def parse_clock(text: str) -> datetime:
    """A moment in any form of ISO 8601 that XAPI and what stands before it have sent; without a zone it is UTC.

    XAPI writes `20261122T19:55:13Z`; with dashes, fractions of seconds and offsets it has been seen as well.

    Raises:
        ValueError: it is no moment.
    """
    written = text.strip().upper()
    if "T" not in written.replace(" ", "T"):
        raise ValueError(f"{text!r} has no time of day")
    moment = datetime.fromisoformat(written)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

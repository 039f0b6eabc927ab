"""The metrics of all hosts, one request to each host's own address, all at once (XAPI.md 3), and their load profile."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from rebalancer.clocks import SET_RIGHT, Clocks, compared
from rebalancer.errors import ConnectionSettingsError, XapiError
from rebalancer.inventory import Host, Pool, Uuid
from rebalancer.xapi.reading.clocks import read_clocks
from rebalancer.xapi.session import ReadSession
from rebalancer.xapi.translation import reading
from rebalancer.xapi.values import MetricsFailure
from rebalancer.xapi.wire.address import Address
from rebalancer.xapi.wire.connection import HostConnection, Reply
from rebalancer.xapi.wire.limits import RRD_BYTES

if TYPE_CHECKING:
    from rebalancer.demand import LoadProfile
    from rebalancer.demand.aggregate import DemandSettings

AT_ONCE: Final = 16
"""Requests under way at one time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What to ask one host, at its address in the pool or another: all since `start`, seconds by its own clock."""

    host: Uuid
    address: Address
    of_pool: bool
    start: int

    @property
    def place(self) -> str:
        """Where it is asked, as errors say it."""
        return f"(asked at {self.address}{', its address in the pool' if self.of_pool else ''})"


def fetch_metrics(
    session: ReadSession,
    pool: Pool,
    clocks: Mapping[Uuid, float | MetricsFailure],
    *,
    window: timedelta,
    interval_seconds: int = 3600,
    timeout_seconds: float = 60.0,
) -> dict[Uuid, bytes | MetricsFailure]:
    """What every host answers to `/rrd_updates` for the last *window*, by uuid of the host.

    The window ends now by each host's own clock and starts one step late: asked for a whole archive, xapi silently
    answers with a coarser one (XAPI.md 3.3). What fails with one host says so in its place and loses no other.

    Args:
        session: with the pool's coordinator.
        pool: the pool.
        clocks: seconds that each host's clock is ahead of this machine's, or why it is not to be asked: `read_clocks`.
        window: how far back.
        interval_seconds: length of the rows.
        timeout_seconds: how long a host may take.
    """
    since = time.time() - window.total_seconds() + interval_seconds
    asked = [
        ahead if isinstance(ahead, MetricsFailure) else _request(session, pool, pool.hosts[host], since + ahead)
        for host, ahead in clocks.items()
    ]
    ready = [each for each in asked if isinstance(each, _Request)]
    found = {each.host: each for each in asked if isinstance(each, MetricsFailure)}
    door = _Door(session=session, interval_seconds=interval_seconds, timeout_seconds=timeout_seconds)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as executor:
        answers = executor.map(door.get, ready)
        return found | {request.host: answer for request, answer in zip(ready, answers, strict=True)}


def measure(
    session: ReadSession, pool: Pool, settings: DemandSettings, *, timeout_seconds: float = 60.0
) -> LoadProfile:
    """The load profile that *settings* ask for, up to now by the time that most clocks show.

    The metrics of a host whose clock is off are brought to that time.

    Raises:
        MetricsRefused: too few live hosts answered with a clock that is no further off than *settings* allow, or what
            they say is not good enough to plan on.
        XapiError: the coordinator cannot be reached.
    """
    # pandas takes half a second to load, and whoever only migrates does without it.
    from rebalancer.demand.aggregate import profile_from_samples  # noqa: PLC0415
    from rebalancer.demand.rrd import rrd_samples  # noqa: PLC0415

    read = read_clocks(session, pool)
    clocks = compared({host: ahead for host, ahead in read.items() if not isinstance(ahead, MetricsFailure)})
    wrong = {host: _too_far(host, clocks, settings) for host in clocks.beyond(settings.clock_limit_minutes)}
    window = timedelta(days=settings.window_days)
    answers = fetch_metrics(session, pool, read | wrong, window=window, timeout_seconds=timeout_seconds)
    failed = (each for each in answers.values() if isinstance(each, MetricsFailure) and pool.hosts[each.host].live)
    refused = {each.host: each.reason for each in failed}
    bodies = {host: body for host, body in answers.items() if isinstance(body, bytes)}
    now = datetime.now(UTC) - timedelta(seconds=clocks.here)
    samples = rrd_samples(bodies, pool, clocks.ahead, settings.resources)
    refused |= samples.refused
    profile = profile_from_samples(
        samples.table,
        pool,
        settings,
        now,
        refused=refused,
        waiting=samples.waiting,
        flows=samples.flows if settings.resources else None,
    )
    moved = replace(clocks, ahead={host: ahead for host, ahead in clocks.ahead.items() if host not in wrong})
    told = moved if moved.ahead or moved.here else None
    return replace(profile, clocks=told, memory_used=samples.memory_used)


def _too_far(host: Uuid, clocks: Clocks, settings: DemandSettings) -> MetricsFailure:
    off = clocks.off(clocks.ahead[host])
    limit = f"demand.clock_limit_minutes is {settings.clock_limit_minutes}"
    reason = f"its clock is {off}, and {limit}: {SET_RIGHT}"
    return MetricsFailure(host=host, reason=reason)


def _request(session: ReadSession, pool: Pool, host: Host, start: float) -> _Request | MetricsFailure:
    """The coordinator is asked where it answered just now: behind a port forward its address in the pool is another."""
    try:
        of_pool = host.uuid != pool.coordinator
        address = session.address.at(host.address) if of_pool else session.address
    except ConnectionSettingsError as error:
        return MetricsFailure(host=host.uuid, reason=error.problem)
    return _Request(host=host.uuid, address=address, of_pool=of_pool, start=int(start))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Door:
    """How hosts are asked for metrics: in a session, which stands in no URL, because URLs are logged."""

    session: ReadSession
    interval_seconds: int
    timeout_seconds: float

    def get(self, request: _Request) -> bytes | MetricsFailure:
        """One host's answer, or why there is none."""
        try:
            with reading(str(request.address)):
                reply = self._reply(request)
        except XapiError as error:
            return MetricsFailure(host=request.host, reason=f"{error.problem} {request.place}")
        if reply.status != HTTPStatus.OK:
            reason = f"it answers HTTP {reply.status} {request.place}"
            return MetricsFailure(host=request.host, reason=reason)
        return reply.body

    def _reply(self, request: _Request) -> Reply:
        """What the host says; XML is asked for by name, because xapi answers anything else with JSON (XAPI.md 3.1)."""
        query = {"start": request.start, "host": "true", "cf": "AVERAGE", "interval": self.interval_seconds}
        # Read from there since the first published source of 2009 (`xapi_http.ml: lookup_param_of_req`).
        cookie = f"session_id={quote(self.session.session_ref, safe=':')}"
        connection = HostConnection(request.address, self.session.context, self.timeout_seconds)
        try:
            return connection.ask(
                "GET",
                f"/rrd_updates?{urlencode(query)}",
                headers={"Accept": "text/xml", "Cookie": cookie},
                most=RRD_BYTES,
            )
        finally:
            connection.close()

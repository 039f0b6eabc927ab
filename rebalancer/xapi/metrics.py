"""The metrics of all hosts, one request to each host's own address, all at once (XAPI.md 3), and their load profile."""

from __future__ import annotations

import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import httpx

from rebalancer.errors import ConnectionSettingsError, MetricsRefused, RefusedByXapi
from rebalancer.inventory import Host, Pool, Uuid
from rebalancer.xapi.session import ReadSession
from rebalancer.xapi.translation import why_not_fetched

if TYPE_CHECKING:
    from rebalancer.demand import LoadProfile
    from rebalancer.demand.aggregate import DemandSettings

AT_ONCE: Final = 16
"""Requests under way at one time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsFailure:
    """Why one host's metrics are missing, in words."""

    host: Uuid
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What to ask one host."""

    host: Uuid
    url: str
    start: datetime


def fetch_metrics(
    session: ReadSession, pool: Pool, *, window: timedelta, interval_seconds: int = 3600, timeout_seconds: float = 60.0
) -> dict[Uuid, bytes | MetricsFailure]:
    """What every host answers to `/rrd_updates` for the last *window*, by uuid of the host.

    The window ends now by each host's own clock and starts one step late: asked for a whole archive, xapi silently
    answers with a coarser one (XAPI.md 3.3). What fails with one host says so in its place and loses no other.

    Raises:
        XapiError: the coordinator cannot be asked for the clocks.
    """
    late = window - timedelta(seconds=interval_seconds)
    asked = [_request(session, host, late) for host in pool.hosts.values()]
    ready = [each for each in asked if isinstance(each, _Request)]
    query = {"session_id": session.session_ref, "host": "true", "cf": "AVERAGE", "interval": str(interval_seconds)}
    found = {each.host: each for each in asked if isinstance(each, MetricsFailure)}
    return found | _fetched(ready, query, session.context, timeout_seconds)


def measure(
    session: ReadSession, pool: Pool, settings: DemandSettings, *, timeout_seconds: float = 60.0
) -> LoadProfile:
    """The load profile that *settings* ask for, up to now by the coordinator's clock.

    Raises:
        MetricsRefused: a live host did not answer, or what the hosts say is not good enough to plan on.
        XapiError: the coordinator cannot be reached.
    """
    # pandas takes half a second to load, and whoever only migrates does without it.
    from rebalancer.demand.aggregate import profile_from_samples  # noqa: PLC0415
    from rebalancer.demand.rrd import rrd_samples  # noqa: PLC0415

    window = timedelta(days=settings.window_days)
    answers = fetch_metrics(session, pool, window=window, timeout_seconds=timeout_seconds)
    failed = [each for each in answers.values() if isinstance(each, MetricsFailure) and pool.hosts[each.host].live]
    if failed:
        raise MetricsRefused([f"host {pool.hosts[each.host].name} gives none: {each.reason}" for each in failed])
    bodies = {host: body for host, body in answers.items() if isinstance(body, bytes)}
    now = parse_clock(session.server_time(session.ref("host", pool.coordinator)))
    return profile_from_samples(rrd_samples(bodies, pool), pool, settings, now)


def parse_clock(text: str) -> datetime:
    """A moment as XAPI writes it, `20261122T19:55:13Z`.

    Raises:
        ValueError: it is written otherwise.
    """
    return datetime.strptime(text, "%Y%m%dT%H:%M:%S%z")


def _request(session: ReadSession, host: Host, window: timedelta) -> _Request | MetricsFailure:
    if not host.live:
        return MetricsFailure(host=host.uuid, reason="the host is not live")
    try:
        clock = parse_clock(session.server_time(session.ref("host", host.uuid)))
        url = f"{session.address.at(host.address)}/rrd_updates"
    except (RefusedByXapi, ConnectionSettingsError) as error:
        return MetricsFailure(host=host.uuid, reason=error.problem)
    except ValueError as error:
        return MetricsFailure(host=host.uuid, reason=f"its clock cannot be read ({error})")
    return _Request(host=host.uuid, url=url, start=clock - window)


def _fetched(
    requests: list[_Request], query: dict[str, str], context: ssl.SSLContext, timeout_seconds: float
) -> dict[Uuid, bytes | MetricsFailure]:
    """All answers; no proxy of the environment gets to see the session."""
    with (
        httpx.Client(verify=context, timeout=timeout_seconds, trust_env=False) as client,
        ThreadPoolExecutor(max_workers=AT_ONCE) as executor,
    ):
        answers = executor.map(lambda each: _get(client, each, query), requests)
        return {request.host: answer for request, answer in zip(requests, answers, strict=True)}


def _get(client: httpx.Client, request: _Request, query: dict[str, str]) -> bytes | MetricsFailure:
    """One host's answer; XML is asked for by name, because xapi answers anything else with JSON (XAPI.md 3.1)."""
    start = {"start": str(int(request.start.timestamp()))}
    try:
        answer = client.get(request.url, params=start | query, headers={"Accept": "text/xml"})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return MetricsFailure(host=request.host, reason=why_not_fetched(error))
    if answer.status_code != httpx.codes.OK:
        return MetricsFailure(host=request.host, reason=f"it answers HTTP {answer.status_code}")
    return answer.content

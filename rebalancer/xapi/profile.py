"""The load profile of a live pool, from the metrics that its hosts keep."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from rebalancer.errors import MetricsRefused
from rebalancer.inventory import Pool
from rebalancer.xapi.metrics import MetricsFailure, fetch_metrics, parse_clock
from rebalancer.xapi.session import ReadSession

if TYPE_CHECKING:
    from rebalancer.demand import LoadProfile
    from rebalancer.demand.aggregate import DemandSettings


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

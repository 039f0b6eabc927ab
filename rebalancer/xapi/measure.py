"""From a live pool to its load profile: metrics of every host, parsed, gated and folded into slots."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rebalancer.demand import LoadProfile
from rebalancer.errors import MetricsRefused
from rebalancer.inventory import Pool, Uuid
from rebalancer.policy import DemandPolicy
from rebalancer.xapi.metrics import MetricsFailure, fetch_metrics
from rebalancer.xapi.session import ReadSession


def measure(session: ReadSession, pool: Pool, policy: DemandPolicy) -> LoadProfile:
    """The load profile of *pool* over the last `policy.window_days`, as its hosts recorded it.

    Raises:
        MetricsRefused: a live host gives no metrics, or what they give is not good enough.
        XapiError: the coordinator cannot be asked.
    """
    from rebalancer.demand.aggregate import profile_from_samples  # noqa: PLC0415 - pandas, only where metrics are read
    from rebalancer.demand.rrd import rrd_samples  # noqa: PLC0415 - the same

    answers = fetch_metrics(session, pool, window=timedelta(days=policy.window_days))
    samples = rrd_samples(_bodies(pool, answers), pool)
    return profile_from_samples(samples, pool, policy, datetime.now(UTC))


def _bodies(pool: Pool, answers: dict[Uuid, bytes | MetricsFailure]) -> dict[Uuid, bytes]:
    """The answers, once every live host has given one."""
    failures = [each for each in answers.values() if isinstance(each, MetricsFailure)]
    silent = [each for each in failures if pool.hosts[each.host].live]
    if silent:
        raise MetricsRefused([f"host {pool.hosts[each.host].name} gives none: {each.reason}" for each in silent])
    return {host: answer for host, answer in answers.items() if isinstance(answer, bytes)}

"""How busy a host is now: its pCPUs over the last minutes, from its own RRD."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from rebalancer.inventory import Pool, Uuid
from rebalancer.xapi.reading.clocks import read_clocks
from rebalancer.xapi.reading.metrics import fetch_metrics
from rebalancer.xapi.session import ReadSession
from rebalancer.xapi.values import MetricsFailure

LAST: Final = timedelta(minutes=6)
ROW_SECONDS: Final = 60
TIMEOUT_SECONDS: Final = 10.0


def load_now(session: ReadSession, pool: Pool, host: Uuid) -> float | MetricsFailure:
    """pCPUs that *host* uses, the mean of its last five minutes, dom0 included; or why nobody knows.

    Raises:
        XapiError: the coordinator cannot be reached.
    """
    # pandas takes half a second to load, and whoever asks for no load does without it.
    from rebalancer.demand.rrd import rrd_samples  # noqa: PLC0415

    asked = replace(pool, hosts={host: pool.hosts[host]})
    clocks = read_clocks(session, asked)
    answers: Mapping[Uuid, bytes | MetricsFailure] = fetch_metrics(
        session, asked, clocks, window=LAST, interval_seconds=ROW_SECONDS, timeout_seconds=TIMEOUT_SECONDS
    )
    answer = answers[host]
    if isinstance(answer, MetricsFailure):
        return answer
    samples = rrd_samples({host: answer}, pool)
    rows = samples.table[(samples.table["owner"] == "host") & (samples.table["uuid"] == host)]
    if rows.empty:
        silent = "its metrics say nothing of the last minutes"
        return MetricsFailure(host=host, reason=samples.refused.get(host, silent))
    return float(rows["pcpu"].mean())

"""Recordings of small pools, made by hand: who uses how much, day by day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from rebalancer.demand.recording import Recording
from rebalancer.inventory import Pool

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def recording_of(pool: Pool, days: Mapping[str, Sequence[float]], *, own: float = 0.0) -> Recording:
    """So many pCPUs in all hours of each day, by VM; every host uses *own* for itself."""
    hours = 24 * len(next(iter(days.values())))
    return Recording(
        vms=tuple(days),
        hosts=tuple(pool.hosts),
        start=MONDAY,
        vm_pcpu=np.array([np.repeat(each, 24) for each in days.values()], dtype=np.float64),
        own_pcpu=np.full((len(pool.hosts), hours), own),
        source="by hand",
    )

"""Samples of a small pool, and the profile that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from rebalancer.demand import LoadProfile
from rebalancer.demand.aggregate import profile_from_samples
from rebalancer.inventory import Pool
from rebalancer.policy import DemandPolicy
from tests.pools import make_pool, make_vm

END = datetime(2026, 11, 16, 0, 20, tzinfo=UTC)
LAST = END.replace(minute=0)
WEEK = 168
PERCENTILES = DemandPolicy.model_validate({"form": "percentile"})
POOL = make_pool(vms=[make_vm("a", on="h1"), make_vm("b", on="h1", vcpus_max=4), make_vm("c", on="h2")])


def samples(hours: Mapping[str, Sequence[float]]) -> pd.DataFrame:
    """Hourly samples by uuid, the last value for the last whole hour; uuids that begin with h are hosts."""
    tables = [
        pd.DataFrame(
            {
                "uuid": uuid,
                "owner": "host" if uuid.startswith("h") else "vm",
                "time": pd.date_range(end=LAST - timedelta(hours=1), periods=len(values), freq="h"),
                "pcpu": np.array(values, dtype=np.float64),
            }
        )
        for uuid, values in hours.items()
        if len(values)
    ]
    return pd.concat(tables)


def profile(
    hours: Mapping[str, Sequence[float]], pool: Pool = POOL, settings: DemandPolicy | None = None
) -> LoadProfile:
    """The profile of these samples; VMs and hosts that are not named are quiet all week."""
    quiet = {uuid: [0.1] * WEEK for uuid in ("a", "b", "c", "dom0-h1", "dom0-h2") if uuid in pool.vms}
    return profile_from_samples(samples({**quiet, **hours}), pool, settings or PERCENTILES, END)


def row(found: LoadProfile, uuid: str) -> np.ndarray:
    """A VM's slots."""
    return np.asarray(found.vm_pcpu[found.vms.index(uuid)])


def base(found: LoadProfile, uuid: str) -> np.ndarray:
    """A host's own slots."""
    return np.asarray(found.host_base_pcpu[found.hosts.index(uuid)])

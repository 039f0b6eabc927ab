"""Hours: the mean of the samples in each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rebalancer.demand.window import HOUR, Window
from rebalancer.inventory import Uuid


def hourly_means(samples: pd.DataFrame, uuids: Sequence[Uuid], window: Window) -> NDArray[np.float64]:
    """The mean of the samples of each uuid in each hour, shape (uuids, hours), NaN where there is none.

    Samples of other uuids, outside the window, or NaN are left out.
    """
    owners = pd.Categorical(samples["uuid"])
    rows = pd.Index(list(uuids), dtype="str").get_indexer(pd.Index(owners.categories))[owners.codes]
    hours = ((samples["time"] - pd.Timestamp(window.start)) // pd.Timedelta(HOUR)).to_numpy(dtype=np.int64)
    pcpu = samples["pcpu"].to_numpy(dtype=np.float64)
    counts = (rows >= 0) & (hours >= 0) & (hours < window.hours) & ~np.isnan(pcpu)
    cells, size = rows[counts] * window.hours + hours[counts], len(uuids) * window.hours
    number = np.bincount(cells, minlength=size)
    total = np.bincount(cells, weights=pcpu[counts], minlength=size)
    means: NDArray[np.float64] = np.divide(total, number, out=np.full(size, np.nan), where=number > 0)
    return means.reshape(len(uuids), window.hours)

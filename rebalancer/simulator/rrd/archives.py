"""Which archives an RRD has, and which one answers a request (rrdd_shared.ml: timescales; rrd.ml: find_best_rras)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """One resolution: how many rows are kept, of `step` seconds each."""

    step: int
    rows: int

    def ends(self, now: float) -> NDArray[np.int64]:
        """The end of every row kept, oldest first, seconds since the epoch."""
        last = int(now) // self.step * self.step
        return last - np.arange(self.rows - 1, -1, -1, dtype=np.int64) * self.step

    def reaches(self, start: float, now: float) -> bool:
        """Whether `start` lies inside; exactly at its oldest end it does not."""
        return start > int(now) // self.step * self.step - self.rows * self.step


ARCHIVES = (
    Archive(step=5, rows=120),
    Archive(step=60, rows=120),
    Archive(step=3600, rows=168),
    Archive(step=86400, rows=366),
)


def best(interval: float, start: float, now: float) -> Archive:
    """The finest archive that is as coarse as asked for and reaches back to start, or else the coarsest of all."""
    reaching = (archive for archive in ARCHIVES if archive.step >= interval and archive.reaches(start, now))
    return next(reaching, ARCHIVES[-1])


def wanted_ends(archive: Archive, start: float, now: float) -> NDArray[np.int64]:
    """The ends of the rows since `start`, newest first."""
    ends = archive.ends(now)
    return ends[ends >= start][::-1]

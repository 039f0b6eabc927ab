"""A pool at one moment, with its load profile where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rebalancer.demand import LoadProfile
from rebalancer.essence import line_of, table_of
from rebalancer.inventory import Pool
from rebalancer.units import counted


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Snapshot:
    """A pool at one moment.

    Args:
        pool: the inventory.
        demand: the load profile, None where no metrics were read or they were refused.
        taken_at: when the pool was read, with its time zone.
        source: where it was read from, in words; never a secret.
    """

    pool: Pool
    demand: LoadProfile | None
    taken_at: datetime
    source: str

    def __repr__(self) -> str:
        sizes = f"{counted(len(self.pool.hosts), 'host')}, {counted(len(self.pool.vms), 'VM')}, {self._measured}"
        words = f"of pool {self.pool.name!r} at {self.taken_at:%Y-%m-%d %H:%M %Z}: {sizes}, from {self.source}"
        return line_of(type(self).__name__, words)

    def _repr_html_(self) -> str:
        read = {"metrics": self._measured, "taken": f"{self.taken_at:%Y-%m-%d %H:%M %Z}", "from": self.source}
        return table_of(f"Pool {self.pool.name}", {**self.pool.facts, **read})

    @property
    def _measured(self) -> str:
        return "no metrics" if self.demand is None else f"{self.demand.slots} hours of load"

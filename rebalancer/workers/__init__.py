"""Where calls run that are given values alone: processes of this machine, a Dask cluster, any executor."""

from rebalancer.workers.cluster import OnDask
from rebalancer.workers.processes import KeptProcesses, ProcessEach
from rebalancer.workers.sweep import Sweep, swept

__all__ = ["KeptProcesses", "OnDask", "ProcessEach", "Sweep", "swept"]

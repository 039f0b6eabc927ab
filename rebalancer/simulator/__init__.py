"""A XAPI to try the product on: it plays a pool over HTTP, checks moves as XAPI does, and can be made to fail.

From the bottom up, each folder importing only those above it in this list:

- state: the records of a pool, its clock, load, sessions, tasks, and the faults that are to happen;
- wire: values of XenAPI types as XML-RPC and JSON-RPC;
- generate: made-up pools;
- checks: what XAPI verifies before a move, a start or an evacuation;
- migration: moves, storage migrations, evacuations and power changes while they run;
- faults: what can be made to go wrong, each kind with its effect;
- rrd: performance data of hosts and VMs, as xcp-rrdd answers;
- balancing: what XAPI asks a Workload Balancing server, and what it takes for an answer;
- calls: the XenAPI calls, and how a request finds its call;
- server: HTTP, certificates, and the simulator as an object.
"""

from __future__ import annotations

from rebalancer.simulator.faults.catalogue import DRAWN, FAULTS, draw, parse
from rebalancer.simulator.generate import annex_pool, demo_pool, generate_pool, local_pool, practice_pool
from rebalancer.simulator.server.kept import Kept, keep, kept_in
from rebalancer.simulator.server.simulator import Simulator
from rebalancer.simulator.state.clock import PoolClock, time_of
from rebalancer.simulator.state.fault import SUBJECTS, TRIGGERS, Fault
from rebalancer.simulator.state.pool import SimulatedPool, load_pool, save_pool
from rebalancer.simulator.state.virtual_time import VirtualTime

__all__ = [
    "DRAWN",
    "FAULTS",
    "SUBJECTS",
    "TRIGGERS",
    "Fault",
    "Kept",
    "PoolClock",
    "SimulatedPool",
    "Simulator",
    "VirtualTime",
    "annex_pool",
    "demo_pool",
    "draw",
    "generate_pool",
    "keep",
    "kept_in",
    "load_pool",
    "local_pool",
    "parse",
    "practice_pool",
    "save_pool",
    "time_of",
]

"""A XAPI to try the product on: it plays a pool over HTTP, checks moves as XAPI does, and can be made to fail."""

from __future__ import annotations

from rebalancer.simulator.generate import annex_pool, demo_pool, generate_pool, local_pool
from rebalancer.simulator.server.simulator import Simulator
from rebalancer.simulator.state.pool import SimulatedPool, load_pool, save_pool

__all__ = [
    "SimulatedPool",
    "Simulator",
    "annex_pool",
    "demo_pool",
    "generate_pool",
    "load_pool",
    "local_pool",
    "save_pool",
]

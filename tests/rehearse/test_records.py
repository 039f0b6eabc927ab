"""A simulated pool made from an inventory is like the one that the inventory was read from."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rebalancer.inventory.digest import inventory_digests
from rebalancer.inventory.records import pool_from_records
from rebalancer.rehearse.records import simulated_pool
from rebalancer.simulator import demo_pool, generate_pool, local_pool

VERDICTS = Path(__file__).resolve().parents[2].parent / "shared" / "data"
ORDER_OF_GPU_GROUPS = {"rich-10-licence", "vgpu-kinds"}
"""Pools in which XAPI's order of references decides which GPU group another pool finds; an inventory has no order."""
VIRTUAL_FUNCTIONS = {"sriov"}
"""How many functions a card has left is told by records that an inventory does not keep."""


@pytest.mark.parametrize("made_up", [demo_pool, local_pool, generate_pool])
def test_a_pool_comes_back(made_up: type) -> None:
    """Read, written as records and read again, it is the same, word for word."""
    pool = pool_from_records(made_up().records)
    assert pool_from_records(simulated_pool(pool).records) == pool


def recorded() -> Iterator[Path]:
    """Pools of real XAPI code, with every kind of device."""
    for folder in ("xapi-verdicts", "xapi-verdicts-more"):
        yield from sorted((VERDICTS / folder).glob("*.json.gz"))


@pytest.mark.skipif(not VERDICTS.is_dir(), reason="the recorded pools are not here")
def test_recorded_pools_come_back() -> None:
    """Rules answer as before in all of them, but for what an inventory does not keep."""
    unlike = set()
    for path in recorded():
        pool = pool_from_records(json.loads(gzip.decompress(path.read_bytes()))["records"])
        again = pool_from_records(simulated_pool(pool).records)
        if inventory_digests(again) != inventory_digests(pool):
            unlike.add(path.name.partition(".")[0])
    assert unlike <= ORDER_OF_GPU_GROUPS | VIRTUAL_FUNCTIONS

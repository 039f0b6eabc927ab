"""What guests use, from what their domains have and what their agents call free."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import nan
from typing import Any

import numpy as np
import pytest

from rebalancer.demand.memory import used_memory
from rebalancer.demand.rrd import rrd_samples
from rebalancer.demand.updates import parse_updates
from rebalancer.inventory import Pool
from rebalancer.units import GIB, KIB
from tests.demand.conftest import SHAPES, Answer
from tests.pools import make_host, make_memory, make_pool, make_vm

RANGE = make_memory(1.0, dynamic_max_bytes=4 * GIB)
HOUR = 3600


def pool_of(**changes: Any) -> Pool:  # noqa: ANN401 - fields of VM
    """VM `web` on h1, with a dynamic range."""
    vm = make_vm("web", **{"on": "h1", "memory": RANGE, **changes})
    return make_pool(hosts=[make_host("h1"), make_host("h2")], vms=[vm])


def answer(free_kib: Mapping[int, float], *, has: float = 4.0 * GIB) -> Answer:
    """`web` has *has* bytes in every hour, of which so many KiB are free; newest first, as xapi answers."""
    legend = ["AVERAGE:vm:web:memory", "AVERAGE:vm:web:memory_internal_free", "AVERAGE:vm:web:cpu0"]
    rows = [(hour * HOUR, [has, free, 0.5]) for hour, free in sorted(free_kib.items(), reverse=True)]
    return Answer(legend=legend, rows=rows, step=HOUR)


def used(answered: Answer, pool: Pool, *, host: str = "h1") -> Mapping[str, int]:
    """What is read of it."""
    return used_memory(parse_updates(SHAPES[0](answered)), host, pool)


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_read_beside_the_load(shape: Callable[[Answer], bytes]) -> None:
    """4 GiB less 1 GiB, which agents state in KiB; the samples of the load are as without."""
    pool = pool_of()
    samples = rrd_samples({"h1": shape(answer({1: GIB / KIB}))}, pool)
    assert samples.memory_used == {"web": 3 * GIB}
    assert samples.refused == {}
    assert np.allclose(samples.table["pcpu"], 0.5)
    assert set(samples.table["uuid"]) == {"web"}


def test_the_last_hour_that_is_known_counts() -> None:
    """An agent that is silent since told it within the day."""
    free = {1: 3 * GIB / KIB, 2: 2 * GIB / KIB, 3: nan, 25: nan}
    assert used(answer(free), pool_of()) == {"web": 2 * GIB}
    assert used(answer(free | {26: nan}), pool_of()) == {}


@pytest.mark.parametrize("free", [nan, 4 * GIB / KIB, 5 * GIB / KIB, -1.0])
def test_what_cannot_be_is_not_known(free: float) -> None:
    """A silent agent, and one that calls free all of it, more, or less than nothing: not zero, but unknown."""
    assert used(answer({1: free}), pool_of()) == {}


def test_only_of_guests_that_a_migration_may_squeeze() -> None:
    """No dynamic range, another host, or not in the pool: left out."""
    told = answer({1: 0.0})
    assert used(told, pool_of()) == {"web": 4 * GIB}
    assert used(told, pool_of(memory=make_memory(4.0))) == {}
    assert used(told, pool_of(), host="h2") == {}
    assert used(told, make_pool()) == {}


def test_an_agent_without_the_domains_memory_tells_nothing() -> None:
    """Both sources have to be there."""
    lone = Answer(legend=["AVERAGE:vm:web:memory_internal_free"], rows=[(HOUR, [1.0])], step=HOUR)
    assert used(lone, pool_of()) == {}

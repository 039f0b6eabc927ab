"""Models of pools without metrics, and numbers that cannot be: refused with what to do instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

import rebalancer as rb
from rebalancer.errors import InputError, MetricsRefused, NoMetrics
from tests.pools import make_host, make_pool, make_vm

STATE = rb.PoolState(
    pool=make_pool(vms=[make_vm("a", gib=4)]), demand=None, taken_at=datetime(2026, 11, 1, tzinfo=UTC), source="test"
)


@pytest.mark.parametrize(
    "asked", [rb.Model.demand, rb.Model.host_demand, rb.Model.load, rb.Model.filling, rb.Model.plot]
)
def test_without_metrics_no_load_is_shown(asked: Callable[[rb.Model], object]) -> None:
    """As whoever catches errors of the front door expects."""
    with pytest.raises(MetricsRefused, match="there are no metrics"):
        asked(rb.Model(STATE))


def test_without_metrics_the_way_to_some_is_told() -> None:
    """A snapshot may have been saved without them: where they come from, and what goes without."""
    with pytest.raises(NoMetrics) as refused:
        rb.rebalance(rb.Model(STATE))
    for words in ("by its URL", "a snapshot that was saved with them", "--demand", 'mode = "repair"'):
        assert words in str(refused.value)


def test_memory_is_told_without_metrics() -> None:
    """How many more fit needs no load."""
    assert rb.fit(rb.Model(STATE), rb.Shape(vcpus=1, memory_gib=1), rearrange=False, seconds=1).count > 0


@pytest.mark.parametrize(
    ("spare", "seconds", "words"),
    [(2, 1.0, "spare: 2 of 2 hosts cannot be. Give 0 to 1"), (-1, 1.0, "spare: -1"), (1, 0.0, "seconds: 0 is no time")],
)
def test_fit_names_the_number_that_cannot_be(spare: int, seconds: float, words: str) -> None:
    """Hosts to spare, or time."""
    with pytest.raises(InputError, match=words):
        rb.fit(rb.Model(STATE), rb.Shape(vcpus=1, memory_gib=1), spare=spare, seconds=seconds)


@pytest.mark.parametrize(("live", "words"), [(0, "so none can die. Bring one back"), (1, "cannot die. Give 1.")])
def test_hosts_that_are_down_cannot_die(live: int, words: str) -> None:
    """What is left to give is said, and never a number below the first."""
    hosts = [make_host(f"h{each}", live=each < live) for each in range(2)]
    model = rb.Model(replace(STATE, pool=make_pool(hosts=hosts)))
    with pytest.raises(InputError) as refused:
        rb.failures(model, 2)
    assert words in str(refused.value)

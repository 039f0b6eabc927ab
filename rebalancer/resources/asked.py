"""The resources beside CPU that a policy asks for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from rebalancer.demand import LoadProfile
from rebalancer.errors import MetricsRefused
from rebalancer.inventory import Pool
from rebalancer.policy import ObjectivePolicy
from rebalancer.resources.disk import disk_load
from rebalancer.resources.load import ResourceLoad
from rebalancer.resources.memory import memory_load
from rebalancer.resources.network import network_load


class ResourceLoads:
    """The load of each resource of *pool* with a weight under *policy*, worked out when first asked."""

    def __init__(self, pool: Pool, demand: LoadProfile | None, policy: ObjectivePolicy) -> None:
        self._pool, self._demand, self._policy = pool, demand, policy

    @cached_property
    def all(self) -> tuple[ResourceLoad, ...]:
        """In the order of the policy; none without metrics, because nobody balances then.

        Raises:
            MetricsRefused: the load profile was made without what the policy asks for.
        """
        return () if self._demand is None else tuple(self._asked(self._demand))

    def _asked(self, demand: LoadProfile) -> Iterator[ResourceLoad]:
        if self._policy.memory.weight:
            yield memory_load(self._pool, demand, self._policy.memory)
        if self._policy.network.weight:
            _refuse_unread(demand, "network")
            yield network_load(self._pool, demand, self._policy.network)
        if self._policy.disk.weight:
            _refuse_unread(demand, "disk")
            yield disk_load(self._pool, demand, self._policy.disk)


def _refuse_unread(demand: LoadProfile, name: str) -> None:
    """Pass where the profile was read with *name*: absent is not zero."""
    if name not in demand.resources:
        told = f"the load profile holds no {name}: read the pool anew with the policy that asks for it"
        raise MetricsRefused([told])

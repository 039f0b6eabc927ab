"""The resources beside CPU that a policy asks for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from rebalancer.demand import LoadProfile
from rebalancer.inventory import Pool
from rebalancer.policy import ObjectivePolicy
from rebalancer.resources.load import ResourceLoad
from rebalancer.resources.memory import memory_load


class ResourceLoads:
    """The load of each resource of *pool* with a weight under *policy*, worked out when first asked."""

    def __init__(self, pool: Pool, demand: LoadProfile | None, policy: ObjectivePolicy) -> None:
        self._pool, self._demand, self._policy = pool, demand, policy

    @cached_property
    def all(self) -> tuple[ResourceLoad, ...]:
        """In the order of the policy; none without metrics, because nobody balances then."""
        return () if self._demand is None else tuple(self._asked(self._demand))

    def _asked(self, demand: LoadProfile) -> Iterator[ResourceLoad]:
        if self._policy.memory.weight:
            yield memory_load(self._pool, demand, self._policy.memory)

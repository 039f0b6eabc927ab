"""What a plan was made from: pools, metrics, policy, and the pace that its durations rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rebalancer.clocks import Clocks
from rebalancer.inventory import Pool, Uuid, names_of
from rebalancer.plan.duration import Pace
from rebalancer.policy import Policy
from rebalancer.slots import RecordedDay, Slots


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Where the demand came from, how many VMs were known how well, and which clocks were off meanwhile.

    `percentile` is None and `days` are named where each slot is an hour of a recorded day.
    """

    source: str
    window_start: datetime
    window_end: datetime
    timezone: str
    percentile: float | None
    slots: int
    measured: int
    short: int
    unknown: int
    clocks: Clocks | None = None
    days: tuple[RecordedDay, ...] = ()

    @property
    def when(self) -> Slots:
        """Which hours the slots are."""
        return Slots(count=self.slots, timezone=self.timezone, days=self.days)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolBeside:
    """Another pool of the same plan, and the digest of its inventory."""

    pool: Uuid
    pool_name: str
    inventory_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeFrom:
    """What the plan was made from; the policy stands here whole, so that verifying needs nothing else.

    Of several pools, `pool` is the first, and the others stand `beside` it. `pace` is what the durations rest on,
    `part_of` the digest of the plan that this one is an approved part of, `undoes` that of the plan that it takes back.
    `intent_digest` is that of what the policy means in the pool, and `names` is what things were called, by uuid: ""
    and None in plans of versions that wrote neither.
    """

    pool: Uuid
    pool_name: str
    inventory_digest: str
    metrics: Metrics | None
    policy_digest: str
    policy: Policy
    pace: Pace
    versions: Mapping[str, str]
    seed: int
    part_of: str | None
    beside: tuple[PoolBeside, ...] = ()
    undoes: str | None = None
    intent_digest: str = ""
    names: Mapping[Uuid, str] | None = None

    @property
    def inventories(self) -> dict[Uuid, str]:
        """The digest of each pool's inventory, the first pool first."""
        return {self.pool: self.inventory_digest} | {each.pool: each.inventory_digest for each in self.beside}

    def is_of(self, pool: Pool) -> bool:
        """Whether *pool* is the one that the plan was made from, or all of them joined."""
        return {member.uuid for member in pool.members} == self.pool_names.keys()

    @property
    def called(self) -> str:
        """The names of all pools."""
        return names_of(self.pool_names) if self.beside else self.pool_name

    @property
    def pool_names(self) -> dict[Uuid, str]:
        """What each pool is called, the first pool first."""
        return {self.pool: self.pool_name} | {each.pool: each.pool_name for each in self.beside}

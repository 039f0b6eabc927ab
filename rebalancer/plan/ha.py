"""What the high availability of a pool has to spare on the way of a plan. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from rebalancer.inventory import Uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class HAMargin:
    """Memory that is left over in a pool once so many hosts failed and HA has restarted what it protects.

    It is that of the worst such hosts, with the memory of the others taken as one: below 0 no plan for these
    `failures` can exist; whether each VM finds its place, the rule `ha-plan` tells. `least_bytes` is the least while
    steps run one after another, first in `least_step`; "" where that is before all of them.
    """

    pool: Uuid
    failures: int
    before_bytes: int
    least_bytes: int
    least_step: str
    after_bytes: int

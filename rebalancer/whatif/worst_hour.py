"""The worst hour of the state that a plan leads to: which host is busiest then, and how busy."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from rebalancer.inventory import Uuid
from rebalancer.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstHour:
    """The hour, with its zone, in which `host` is busier than any host in any other: at a `share` of its CPU."""

    host: str
    host_uuid: Uuid
    hour: str
    share: float

    @property
    def words(self) -> str:
        """`oak 61% at Tue 14:00 UTC`."""
        return f"{self.host} {self.share:.0%} at {self.hour}"


def worst_hour(plan: Plan, down: Collection[Uuid] = ()) -> WorstHour | None:
    """The worst hour once *plan* is done, of all hosts but those that are *down* then; None without metrics.

    It is read from the figures of the plan, which `verify` computes anew. Of hosts that are equally busy, the first by
    name.
    """
    found = [
        (-row.after.peak_share, row.name, row.uuid, row.after.peak_slot)
        for row in plan.hosts
        if row.uuid not in down and row.after.peak_share is not None and row.after.peak_slot is not None
    ]
    if not found:
        return None
    share, name, uuid, slot = min(found)
    return WorstHour(host=name, host_uuid=uuid, hour=plan.when.words(slot), share=-share)

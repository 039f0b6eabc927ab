"""What was read from a pool or its metrics and cannot be planned on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rebalancer.errors.base import RebalancerError, first_of

if TYPE_CHECKING:
    from collections.abc import Sequence


class InventoryError(RebalancerError):
    """The pool's records contradict each other.

    Args:
        contradictions: one sentence each.
    """

    def __init__(self, contradictions: Sequence[str]) -> None:
        super().__init__(tuple(contradictions))
        self.contradictions = tuple(contradictions)

    def __str__(self) -> str:
        return (
            f"the inventory contradicts itself: {first_of(self.contradictions)}. "
            "Read the pool again; if it persists, look at the named objects with xe."
        )


class MetricsRefused(RebalancerError):
    """The metrics are not good enough to plan on.

    Args:
        reasons: one sentence each, naming the VM or host.
    """

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(tuple(reasons))
        self.reasons = tuple(reasons)

    def __str__(self) -> str:
        return (
            f"metrics refused: {first_of(self.reasons)}. "
            'Mend the metrics, or plan without them by a policy with mode = "repair" or "evacuate".'
        )

"""What the policy allows one plan to do: so many VMs moved, so many GiB copied, hops included."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.policy import LimitsPolicy
from rebalancer.units import counted, gib

ROUNDING_GIB = 1e-6


def over_limits(limits: LimitsPolicy, *, moves: int, sizes_bytes: Sequence[int]) -> str:
    """How a plan exceeds *limits*, in words; "" where it does not.

    Args:
        limits: the policy's.
        moves: VMs that end on another host.
        sizes_bytes: what each step copies.
    """
    if limits.maximum_moves is not None and moves > limits.maximum_moves:
        return f"{counted(moves, 'VM moves', 'VMs move')}, where the policy allows {limits.maximum_moves}"
    copied = gib(sum(sizes_bytes))
    if limits.maximum_gib is not None and copied > limits.maximum_gib + ROUNDING_GIB:
        return f"{copied:.1f} GiB are copied, where the policy allows {limits.maximum_gib:g}"
    return ""

"""Which rules bind when."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.rules import Origin, PoolRule, Rule, When
from rebalancer.rules.wishes.never_move import NeverMove


def binds_on_the_way_back(rule: Rule) -> bool:
    """Whether *rule* is asked on the way back.

    What XAPI and its manual state is, whatever holds at every step, and that some VMs never move. What the operator
    wished for the end is not: the way back leads to what was there, wishes broken or not.
    """
    lasting = isinstance(rule, PoolRule) and rule.when is When.EVERY_STEP
    return rule.origin is not Origin.POLICY or lasting or isinstance(rule, NeverMove)


def bind_on_the_way_back(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Those of *rules* that are asked on the way back."""
    return tuple(rule for rule in rules if binds_on_the_way_back(rule))

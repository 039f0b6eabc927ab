"""Which rules bind when."""

from __future__ import annotations

from rebalancer.rules import Origin, PoolRule, Rule, When


def binds_on_the_way_back(rule: Rule) -> bool:
    """Whether *rule* is asked on the way back.

    What XAPI and its manual state is, and whatever holds at every step. What the operator wished for the end is not:
    the way back leads to what was there, wishes broken or not.
    """
    return rule.origin is not Origin.POLICY or (isinstance(rule, PoolRule) and rule.when is When.EVERY_STEP)

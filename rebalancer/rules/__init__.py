"""What may move where: the rules, on the shelves of their subjects; the catalogue; and the rulebook that is asked."""

from rebalancer.rules.binding import relaxed, rules_for
from rebalancer.rules.catalogue import LIVE, TO_ANOTHER_POOL, WITH_STORAGE
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import (
    Affinity,
    Bound,
    DiskRule,
    HostRule,
    Objection,
    Origin,
    PairRule,
    PoolRule,
    Row,
    Rule,
    StateLimit,
    Violation,
    VMRule,
    Weights,
    When,
)
from rebalancer.rules.core.ledger import Ledger
from rebalancer.rules.core.legality import Legality
from rebalancer.rules.rulebook import Rulebook
from rebalancer.rules.stuck import Blocked, Closed

__all__ = [
    "LIVE",
    "TO_ANOTHER_POOL",
    "WITH_STORAGE",
    "Affinity",
    "Blocked",
    "Bound",
    "Closed",
    "DiskRule",
    "Disruption",
    "HostRule",
    "Ledger",
    "Legality",
    "Objection",
    "Origin",
    "PairRule",
    "PoolRule",
    "Row",
    "Rule",
    "Rulebook",
    "StateLimit",
    "VMRule",
    "Violation",
    "Weights",
    "When",
    "relaxed",
    "rules_for",
]

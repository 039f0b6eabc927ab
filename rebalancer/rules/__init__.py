"""What may move where: one rule a file, the catalogue in the order in which XAPI asks, and the checkers."""

from rebalancer.rules.base import (
    HostRule,
    Joined,
    Objection,
    Origin,
    PairRule,
    PoolRule,
    Row,
    Rule,
    Violation,
    VMRule,
    When,
)
from rebalancer.rules.catalogue import rules_for
from rebalancer.rules.ledger import Ledger, end_violations, standing_violations, step_ledger
from rebalancer.rules.legality import Legality

__all__ = [
    "HostRule",
    "Joined",
    "Ledger",
    "Legality",
    "Objection",
    "Origin",
    "PairRule",
    "PoolRule",
    "Row",
    "Rule",
    "VMRule",
    "Violation",
    "When",
    "end_violations",
    "rules_for",
    "standing_violations",
    "step_ledger",
]

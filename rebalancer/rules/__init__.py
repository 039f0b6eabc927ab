"""What may move where: one rule a file, the catalogue in the order in which XAPI asks, and the checkers."""

from rebalancer.rules.catalogue import CATALOGUE, relaxed, rules_for
from rebalancer.rules.core.kinds import (
    Affinity,
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
    When,
)
from rebalancer.rules.core.ledger import Ledger, counted_violations, end_violations, standing_violations, step_ledger
from rebalancer.rules.core.legality import Legality
from rebalancer.rules.core.verdict import Verdicts

__all__ = [
    "CATALOGUE",
    "Affinity",
    "HostRule",
    "Ledger",
    "Legality",
    "Objection",
    "Origin",
    "PairRule",
    "PoolRule",
    "Row",
    "Rule",
    "StateLimit",
    "VMRule",
    "Verdicts",
    "Violation",
    "When",
    "counted_violations",
    "end_violations",
    "relaxed",
    "rules_for",
    "standing_violations",
    "step_ledger",
]

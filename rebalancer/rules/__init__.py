"""What may move where: one rule a file, the catalogue in the order in which XAPI asks, and the checkers."""

from rebalancer.rules.catalogue import CATALOGUE, relaxed, rules_for
from rebalancer.rules.core.kinds import (
    HostRule,
    Joined,
    Judged,
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
from rebalancer.rules.core.ledger import Ledger, counted_violations, end_violations, standing_violations, step_ledger
from rebalancer.rules.core.legality import Legality
from rebalancer.rules.core.verdict import Verdicts

__all__ = [
    "CATALOGUE",
    "HostRule",
    "Joined",
    "Judged",
    "Ledger",
    "Legality",
    "Objection",
    "Origin",
    "PairRule",
    "PoolRule",
    "Row",
    "Rule",
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

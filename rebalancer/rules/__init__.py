"""What may move where: one rule a file, the catalogue in the order in which XAPI asks, and the checkers."""

from rebalancer.rules.base import (
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
from rebalancer.rules.catalogue import CATALOGUE, relaxed, rules_for
from rebalancer.rules.ledger import Ledger, counted_violations, end_violations, standing_violations, step_ledger
from rebalancer.rules.legality import Legality
from rebalancer.rules.policy_findings import policy_findings
from rebalancer.rules.verdict import Verdicts

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
    "policy_findings",
    "relaxed",
    "rules_for",
    "standing_violations",
    "step_ledger",
]

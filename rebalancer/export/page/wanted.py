"""What was wanted and not allowed: hosts that stay hot, VMs that stay on them by rule, moves that are missing."""

from __future__ import annotations

from dataclasses import dataclass

from rebalancer.export.rows import missing_rows, what_is_missing
from rebalancer.plan import Plan
from rebalancer.units import first_few

SHOWN = 12
"""How many names a row lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAllowed:
    """Sentences about hosts; rule, words, fix, number and names of VMs that stay; what is missing."""

    hosts: tuple[str, ...]
    stay: tuple[tuple[str, str, str, int, str], ...]
    missing: tuple[tuple[str, ...], ...]
    missing_words: str


def wanted(plan: Plan) -> NotAllowed:
    """That of *plan*."""
    by_words: dict[tuple[str, str, str], list[str]] = {}
    for each in plan.left_alone:
        if each.kind != "host":
            by_words.setdefault((each.rule, each.words, each.fix or "-"), []).append(each.name)
    return NotAllowed(
        hosts=tuple(f"host {each.name} {each.words}" for each in plan.left_alone if each.kind == "host"),
        stay=tuple(
            (rule, words, fix, len(names), first_few(names, SHOWN))
            for (rule, words, fix), names in sorted(by_words.items())
        ),
        missing=tuple(missing_rows(plan)),
        missing_words=what_is_missing(plan),
    )

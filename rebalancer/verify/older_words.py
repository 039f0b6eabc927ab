"""Words that plans of earlier versions have for the same: whoever approved one need not approve it again."""

from __future__ import annotations

import re
from typing import Final

from rebalancer.plan.plan import Plan

_SIZE: Final = r"\d[\d.,]*(?: [KMGT]?i?B)?"
_SINCE: Final = (
    (re.compile(rf": ({_SIZE}) of at most ({_SIZE})(?=[;,. ]|$)"), r": \1 (limit \2)"),
    (re.compile(r"^takes it away from "), "separates it from "),
    (re.compile(r"^takes it off "), "moves it off "),
    (re.compile(r"^leaves nobody on (.*)$"), r"leaves \1 empty"),
)


def in_words_of_today(text: str) -> str:
    """*text* of a plan, in the words that this version has for it."""
    for older, newer in _SINCE:
        text = older.sub(newer, text)
    return text


def load_told_formerly(plan: Plan) -> str:
    """What earlier versions have in the summary for `rebalancer.describe.summary.load_told`."""
    threshold, rows = plan.policy.objective.threshold, plan.hosts
    before = sum((row.before.peak_share or 0.0) > threshold for row in rows)
    after = sum((row.after.peak_share or 0.0) > threshold for row in rows)
    states = [(row.before.overload_pcpu_hours, row.after.overload_pcpu_hours) for row in rows]
    known = [(start, end) for start, end in states if start is not None and end is not None]
    sums = [sum(column) for column in zip(*known, strict=True)]
    overload = " (overload {:.4g} and {:.4g} pCPU-hours)".format(*sums) if sums else ""
    return f" Hosts over their threshold: {before} before, {after} after{overload}." if before or after else ""

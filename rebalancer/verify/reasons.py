"""The reasons that a plan gives, computed again from the pool it was made from: nobody approves a move for a lie."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rebalancer.describe.disks import ejections
from rebalancer.describe.reasons import BACK, HOME, Reasons
from rebalancer.describe.summary import general_warnings
from rebalancer.plan.finding import Finding, FindingKind
from rebalancer.plan.leg import legs_of
from rebalancer.plan.plan import Plan
from rebalancer.problem import Problem
from rebalancer.rules import Legality, Rule, rules_for

ROUNDED = re.compile(r"(\d+)%")
HOUR = re.compile(r"at (?:\w{3} )?\d\d:\d\d")
"""The busiest hour, held against the load by `rebalancer.verify.figures`; of two equal ones, either will do."""


def wrong_reasons(plan: Plan, problem: Problem, rules: Sequence[Rule]) -> Iterator[Finding]:
    """Reasons of steps, old violations and warnings of *plan* that are not those of *problem*.

    Args:
        plan: the plan, whose VMs are where the pool has them.
        problem: what it was made from, with the demand that it carries.
        rules: the rules that bind.
    """
    reasons = Reasons(problem, Legality(problem, rules), plan.predicted)
    yield from _of_steps(plan, reasons)
    found = reasons.old_violations()
    for claimed, old in zip_longest(plan.old_violations, found):
        if claimed is None or old is None or (claimed.rule, claimed.mended) != (old.rule, old.mended):
            yield _wrong("what was broken before it, and what it mends, is not what the plan says")
            return
        if not alike(claimed.words, old.words):
            yield _wrong(f"what was broken before it is another: {old.words}")
    wishes = Reasons(problem, Legality(problem, rules_for(problem)), plan.predicted)
    general = general_warnings(problem, plan.no_way_back)
    for words in (*wishes.new_violations(), *ejections(plan.steps, problem), *general):
        if words not in plan.warnings:
            yield _wrong(f"it does not warn: {words}")


def _of_steps(plan: Plan, reasons: Reasons) -> Iterator[Finding]:
    """Why each step is made, on the way back and in a plan that is one, too."""
    leads_back = plan.made_from.undoes or plan.outcome == HOME
    there = [BACK[step.kind] for step in plan.steps] if leads_back else reasons.of(legs_of(plan.steps))
    whys = (*there, *(BACK[step.kind] for step in plan.rollback))
    for step, why in zip((*plan.steps, *plan.rollback), whys, strict=True):
        if not alike(step.why, why):
            yield Finding(
                kind=FindingKind.CLAIM,
                step=step.id,
                state="at the start",
                rule="words",
                words=f"its reason is another: {why}",
            )


def alike(one: str, other: str) -> bool:
    """Whether both say the same, up to a percent that rounding leaves and the hour of a peak."""
    texts = [HOUR.sub("at", ROUNDED.sub("%", each)) for each in (one, other)]
    percents = [[int(each) for each in ROUNDED.findall(words)] for words in (one, other)]
    return texts[0] == texts[1] and all(abs(mine - yours) <= 1 for mine, yours in zip(*percents, strict=True))


def _wrong(words: str) -> Finding:
    """A finding about the whole plan."""
    return Finding(kind=FindingKind.CLAIM, step="", state="at the start", rule="words", words=words)

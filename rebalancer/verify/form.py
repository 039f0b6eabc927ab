"""What stands once and in its order in every plan: steps by number, and each host, VM, SR and objective one time.

A row that stands twice could show people another figure than the one that was compared.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence

from rebalancer.describe.left_out import INCOMPLETE, LEFT_OUT
from rebalancer.plan.duration import LEAST_STEPS, NO_EXPERIENCE
from rebalancer.plan.finding import Finding, FindingKind
from rebalancer.plan.plan import Plan
from rebalancer.plan.step import Step
from rebalancer.units import counted

_KEPT = re.compile(r"s\d{2,9}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def wrong_form(plan: Plan) -> Iterator[Finding]:
    """Rows that stand twice, ids out of turn, relations that lead nowhere, a pace out of nothing, parts of nothing."""
    for name, rows in _rows(plan):
        for row in _twice(rows):
            yield _finding("", f"{name} {row} stands twice in it")
    yield from _numbers(plan.steps, "s") if plan.made_from.part_of is None else _kept_numbers(plan.steps)
    yield from _numbers(plan.rollback, "r")
    if bool(plan.missing) != (plan.outcome == INCOMPLETE):
        said = counted(len(plan.missing), "move is", "moves are")
        yield _finding("", f"the outcome is '{plan.outcome}', and {said} said to be missing", rule="missing")
    part = any(each.rule == LEFT_OUT for each in plan.missing)
    if part and plan.made_from.part_of is None:
        yield _finding("", "moves were left out of it, and it does not name the plan that it is a part of")
    if plan.made_from.part_of is not None and not _DIGEST.fullmatch(plan.made_from.part_of):
        yield _finding("", "what it is a part of is no digest of a plan")
    if any(each.kind != "vm" for each in plan.no_way_back):
        yield _finding("", "what has no way back is no VM")
    pace = plan.made_from.pace
    if pace.steps < LEAST_STEPS and pace != NO_EXPERIENCE:
        yield _finding("", f"its times are said to rest on {pace.steps} steps, and nothing is learned from so few")


def _rows(plan: Plan) -> Iterator[tuple[str, Iterable[Hashable]]]:
    yield "host", [row.uuid for row in plan.hosts]
    yield "SR", [row.uuid for row in plan.srs]
    for sr in plan.srs:
        yield f"on {sr.name}, the drive", (*sr.gains,)
        yield f"from {sr.name}, the drive", (*sr.loses,)
    yield "objective", [tier.objective for tier in plan.tiers]
    yield "pool", [plan.made_from.pool, *(each.pool for each in plan.made_from.beside)]
    yield "what was left alone,", [(each.kind, each.uuid) for each in plan.left_alone]
    yield "what has no way back,", [(each.kind, each.uuid) for each in plan.no_way_back]
    yield "the warning", plan.warnings
    yield "what is held,", [(each.kind, each.uuid) for each in plan.held]
    if plan.load:
        for name, curves in (("hosts", plan.load.hosts), ("VMs", plan.load.vms), ("peaks of VMs", plan.load.vm_peaks)):
            yield f"in the load of {name},", [curve.uuid for curve in curves]


def _numbers(steps: Sequence[Step], prefix: str) -> Iterator[Finding]:
    earlier: set[str] = set()
    width = max(2, len(str(len(steps))))
    for number, step in enumerate(steps, start=1):
        wanted = f"{prefix}{number:0{width}}"
        if step.id != wanted:
            yield _finding(step.id, f"it is the step {wanted}")
        yield from _waits(step, earlier)
        earlier.add(step.id)


def _kept_numbers(steps: Sequence[Step]) -> Iterator[Finding]:
    """Of a part, whose steps have the ids that they have in the whole plan, in whatever order they are launched."""
    earlier: set[str] = set()
    for step in steps:
        if not _KEPT.fullmatch(step.id):
            yield _finding(step.id, "it is no id of a step")
        if step.id in earlier:
            yield _finding(step.id, "it stands twice in it")
        yield from _waits(step, earlier)
        earlier.add(step.id)


def _waits(step: Step, earlier: Collection[str]) -> Iterator[Finding]:
    for twice in _twice(step.after):
        yield _finding(step.id, f"it names {twice} twice, for which it waits")
    for missing in [each for each in step.after if each not in earlier]:
        yield _finding(step.id, f"it waits for {missing}, which is no earlier step", rule="after")


def _twice(rows: Iterable[Hashable]) -> list[Hashable]:
    return [row for row, times in Counter(rows).items() if times > 1]


def _finding(step: str, words: str, rule: str = "form") -> Finding:
    return Finding(kind=FindingKind.FORM, step=step, state="at the start", rule=rule, words=words)

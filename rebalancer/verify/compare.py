"""A plan held against what it should say, field by field; findings name the place as plan.json does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from itertools import islice

from rebalancer.plan.finding import Finding, FindingKind
from rebalancer.plan.plan import Plan
from rebalancer.verify.older_words import in_words_of_today
from rebalancer.verify.tolerance import unmarked

OF_THEMSELVES = {"tiers", "missing"}
"""Parts of a plan whose findings are named after them."""
WORDS = {"summary", "warnings", "old_violations"}


def wrong_claims(plan: Plan, right: Plan) -> Iterator[Finding]:
    """Where *plan* says something else than *right*, what it should say; of its load the first place only."""
    for field in fields(Plan):
        found = differences(getattr(plan, field.name), getattr(right, field.name), field.name)
        for path, words in islice(found, 1) if field.name == "load" else found:
            yield Finding(
                kind=FindingKind.CLAIM,
                step=_step(plan, path),
                state="at the start",
                rule=_rule(path),
                words=f"{path} {words}",
            )


def differences(claimed: object, right: object, path: str) -> Iterator[tuple[str, str]]:
    """Each place below *path* where two values differ, such as `steps[3].why`, and how; of plain rows the first."""
    if claimed == right or (isinstance(claimed, str) and isinstance(right, str) and _same_words(claimed, right)):
        return
    if isinstance(claimed, tuple) and isinstance(right, tuple):
        found = _of_rows(claimed, right, path)
        yield from found if any(map(is_dataclass, (*claimed, *right))) else islice(found, 1)
    elif is_dataclass(right) and type(claimed) is type(right):
        for field in fields(right):
            yield from differences(getattr(claimed, field.name), getattr(right, field.name), f"{path}.{field.name}")
    else:
        yield path, f"is {_shown(claimed)}, and should be {_shown(right)}"


def _same_words(claimed: str, right: str) -> bool:
    said = in_words_of_today(claimed)
    return said == right or unmarked(claimed, right) or unmarked(said, right)


def _of_rows(claimed: tuple[object, ...], right: tuple[object, ...], path: str) -> Iterator[tuple[str, str]]:
    for number, (mine, other) in enumerate(zip(claimed, right, strict=False)):
        yield from differences(mine, other, f"{path}[{number}]")
    for number, row in enumerate(claimed[len(right) :], start=len(right)):
        yield f"{path}[{number}]", f"should not be there: {_shown(row)}"
    for number, row in enumerate(right[len(claimed) :], start=len(claimed)):
        yield f"{path}[{number}]", f"is not there, and should be {_shown(row)}"


def _shown(value: object) -> str:
    """*value* in a sentence; rows by what people call them."""
    if not is_dataclass(value):
        return "nothing" if value is None else repr(value)
    names = (getattr(value, name, "") for name in ("name", "vm_name", "objective", "words"))
    return next(filter(None, names), "something")


def _step(plan: Plan, path: str) -> str:
    part, _, rest = path.partition("[")
    rows = {"steps": plan.steps, "rollback": plan.rollback}.get(part, ())
    number = int(rest.partition("]")[0]) if rows else 0
    return rows[number].id if number < len(rows) else ""


def _rule(path: str) -> str:
    part, field = path.partition("[")[0].partition(".")[0], path.rpartition(".")[2]
    if part in OF_THEMSELVES:
        return part
    return "words" if part in WORDS or field == "why" or field.endswith("name") else "figures"

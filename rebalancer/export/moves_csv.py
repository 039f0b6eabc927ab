"""moves.csv: one row a step, for spreadsheets. No cell starts like a formula."""

from __future__ import annotations

import csv
import io

from rebalancer.plain import one_line
from rebalancer.plan import Plan, Step
from rebalancer.units import gib

COLUMNS = (
    "step",
    "kind",
    "vm",
    "vm_uuid",
    "from",
    "from_uuid",
    "to",
    "to_uuid",
    "gib",
    "seconds",
    "after",
    "why",
)
FORMULA_STARTS = "=+-@＝＋－＠"  # noqa: RUF001 - spreadsheets take the wide forms as well


def moves_csv(plan: Plan) -> str:
    """The steps of *plan* as CSV with a header (RFC 4180, lines end in CRLF)."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(_row(step) for step in plan.steps)
    return text.getvalue()


def _row(step: Step) -> tuple[str, ...]:
    """One step."""
    words = (
        step.id,
        step.kind.value,
        step.vm_name,
        step.vm,
        step.source_name,
        step.source,
        step.target_name,
        step.target,
        f"{gib(step.memory_bytes):.3f}",
        f"{step.seconds:.1f}",
        " ".join(step.after),
        step.why,
    )
    return tuple(_cell(each) for each in words)


def _cell(text: str) -> str:
    """*text*, marked as text where a spreadsheet would compute it."""
    line = one_line(text)
    return f"'{line}" if line.lstrip().startswith(tuple(FORMULA_STARTS)) else line

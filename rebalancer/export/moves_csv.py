"""moves.csv: one row a step, for spreadsheets. No cell starts like a formula."""

from __future__ import annotations

import csv
import io

from rebalancer.plan import Plan, Step
from rebalancer.sanitise import spreadsheet_cell
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
    "start_seconds",
    "seconds",
    "after",
    "why",
    "disks",
    "plan",
)


def moves_csv(plan: Plan) -> str:
    """The steps of *plan* as CSV with a header (RFC 4180, lines end in CRLF).

    Example:
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> rb.export.moves_csv(plan).splitlines()[0].split(",")[:5]
        ['step', 'kind', 'vm', 'vm_uuid', 'from']
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows((*_row(step), plan.digest) for step in plan.steps)
    return text.getvalue()


def _row(step: Step) -> tuple[str, ...]:
    words = (
        step.id,
        step.kind.value,
        step.vm_name,
        step.vm,
        step.source_name,
        step.source,
        step.target_name,
        step.target,
        f"{gib(step.copied_bytes):.3f}",
        f"{step.start_seconds:.1f}",
        f"{step.seconds:.1f}",
        " ".join(step.after),
        step.why,
        "; ".join(f"{disk.name}: {disk.source_name} -> {disk.target_name}" for disk in step.disks),
    )
    return tuple(spreadsheet_cell(each) for each in words)

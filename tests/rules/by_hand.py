"""All rows of the table that was written by hand."""

from __future__ import annotations

from tests.rules.row import Row
from tests.rules.target_rows import PAIR_ROWS, TARGET_ROWS
from tests.rules.vm_rows import VM_ROWS

__all__ = ["ROWS", "Row"]

ROWS = (*VM_ROWS, *TARGET_ROWS, *PAIR_ROWS)

"""docs/execution.md says which role each feature needs, and XAPI's data model agrees."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rebalancer.simulator.state.roles import holders

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "execution.md").read_text(encoding="utf-8")
RANKS = ["read-only", "vm-operator", "vm-admin", "vm-power-admin", "pool-operator", "pool-admin"]
ROWS = re.findall(r"^\| .+? \| (.*`.*`.*) \| ([\w ]+?) \|$", PAGE.partition("### Who may do what")[2], re.MULTILINE)


@pytest.mark.parametrize(("calls", "role"), ROWS)
def test_a_role_that_the_page_names_is_the_least(calls: str, role: str) -> None:
    """It may make every call of its row, and the role below it may not make some of them."""
    rank = RANKS.index(role.lower().replace(" ", "-"))
    allowed = [set(holders()[call.lower()]) for call in re.findall(r"`([\w.]+)`", calls)]
    assert all(set(RANKS[rank:]) <= roles for roles in allowed)
    assert rank == 0 or not all(RANKS[rank - 1] in roles for roles in allowed)


def test_the_page_has_a_row_for_each_feature() -> None:
    """A table that is not found would prove nothing."""
    assert len(ROWS) == 6

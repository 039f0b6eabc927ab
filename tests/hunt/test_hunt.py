"""Makers and checkers of plans agree in situations that nobody thought of."""

from __future__ import annotations

import pytest

from tests.hunt.__main__ import hunt
from tests.hunt.situations import Situation


def refuse(situation: Situation, error: Exception) -> None:
    """Fail with the situation in which *error* was met."""
    raise AssertionError(f"in {situation!r}") from error


@pytest.mark.parametrize("cases", [30, pytest.param(600, marks=pytest.mark.slow)])
def test_no_disagreement(cases: int) -> None:
    """Of many situations some end in plans, and none in a contradiction or a traceback."""
    ends = hunt(cases, 20, refuse)
    assert ends["cases"] == cases
    assert ends["plan"] > cases // 20

"""Hours as text, as snapshots keep them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rebalancer.demand.lines import hours_of, lines_of

HOURS = arrays(np.int64, st.tuples(st.integers(1, 4), st.integers(1, 30)), elements=st.integers(-1, 40_000_000))


@given(HOURS)
def test_hours_come_back_as_they_were(whole: np.ndarray) -> None:
    """Every digit, and what is not known."""
    hours = np.where(whole < 0, np.nan, np.round(whole / 10_000, 4))
    assert np.array_equal(hours_of(lines_of(hours)), hours, equal_nan=True)


def test_a_line_is_short() -> None:
    """Ten-thousandths of a pCPU, and a dot for an hour that is missing."""
    assert lines_of(np.array([[0.0123, np.nan, 2.0]])) == ("123 . 20000",)


@pytest.mark.parametrize(
    "lines", [("1 -2",), ("1  2",), ("1.5",), (" 1",), ("1 2", "3"), ("99999999999",), ("\u0663",)]
)
def test_other_text_is_refused(lines: tuple[str, ...]) -> None:
    """Signs, points, two spaces, digits of other scripts, too many of them, or lines of two lengths."""
    with pytest.raises(ValueError, match="hours"):
        hours_of(lines)

"""Hours as text: a line for each VM or host, in ten-thousandths of a pCPU, a dot where nothing is known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand.forms import hours_of_days
from rebalancer.demand.profile import DECIMALS, LoadProfile
from rebalancer.slots import RecordedDay
from rebalancer.units import HOURS_A_DAY

Rows = tuple[tuple[float, ...], ...]

PARTS = 10**DECIMALS
UNKNOWN = "."
_LINE = re.compile(r"(?:(?:[0-9]{1,10}|\.)(?: (?:[0-9]{1,10}|\.))*)?")


def lines_of(hours: NDArray[np.float64]) -> tuple[str, ...]:
    """*hours* of shape (rows, hours), which have no more than `DECIMALS` digits after the point, as lines."""
    whole = np.rint(np.nan_to_num(hours, nan=-1 / PARTS) * PARTS).astype(np.int64)
    return tuple(" ".join(UNKNOWN if each < 0 else str(each) for each in row) for row in whole.tolist())


def hours_of(lines: Sequence[str]) -> NDArray[np.float64]:
    """The array that `lines_of` made *lines* of.

    Raises:
        ValueError: one is no such line, or they differ in length.
    """
    for line in lines:
        if not _LINE.fullmatch(line):
            raise ValueError("hours are whole numbers and dots between single spaces")
    rows = [[-1 if each == UNKNOWN else int(each) for each in line.split()] for line in lines]
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        raise ValueError("hours differ in length")
    whole = np.array(rows, dtype=np.int64).reshape(len(rows), max(lengths, default=0))
    return np.where(whole < 0, np.nan, np.round(whole / PARTS, DECIMALS))


def shortened(rows: Rows, means: NDArray[np.float64], profile: LoadProfile) -> Rows:
    """*rows* of the recorded days of *profile* without what its hours, *means*, say anyway.

    One that holds one number in all slots is that number, one that holds the hours is empty.
    """
    said = hours_of_days(means, profile.window_start, profile.days).tolist()
    constant = (row[:1] if len(set(row)) == 1 else row for row in rows)
    return tuple(() if list(row) == hours else short for row, hours, short in zip(rows, said, constant, strict=True))


def whole(rows: Rows, means: NDArray[np.float64], start: datetime, days: Sequence[RecordedDay]) -> Rows:
    """What `shortened` made *rows* of, where the hours *means* begin at *start*.

    Raises:
        ValueError: there are more or fewer rows than rows of hours.
    """
    said = hours_of_days(means, start, days).tolist()
    slots = HOURS_A_DAY * len(days)
    return tuple(
        tuple(hours) if not row else row * slots if len(row) == 1 else row
        for row, hours in zip(rows, said, strict=True)
    )

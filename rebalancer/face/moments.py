"""Times that people hand in: a moment without a zone is none."""

from __future__ import annotations

from datetime import UTC, datetime

from rebalancer.errors import InputError


def told_or_now(moment: datetime | None, name: str = "made_at") -> datetime:
    """*moment*, or now where there is none.

    Raises:
        InputError: it has no time zone, so that nobody knows when it is.
    """
    if moment is None:
        return datetime.now(UTC)
    assert_zoned(moment, name)
    return moment


def assert_zoned(moment: datetime | None, name: str) -> None:
    """Pass where *moment* has a zone, or there is none.

    Raises:
        InputError: it has no time zone.
    """
    if moment is not None and moment.utcoffset() is None:
        remedy = "Write datetime(..., tzinfo=UTC), or any other zone"
        raise InputError(f"{name} {moment.isoformat()}", "it has no time zone", remedy)

"""What callers hand over, looked at before anything is done with it."""

from __future__ import annotations

from math import inf

from rebalancer.errors import InputError


def assert_kind(given: object, kind: type, remedy: str) -> None:
    """Pass if *given* is a *kind*.

    Raises:
        TypeError: it is something else; *remedy* says what makes one.
    """
    if not isinstance(given, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise TypeError(f"{article} {kind.__name__} is needed, not {type(given).__name__}: {remedy}")


def assert_work(seconds: object) -> None:
    """Pass where there is time to solve in.

    Raises:
        InputError: there is none.
    """
    if not isinstance(seconds, int | float) or not 0 < seconds < inf:
        said = f"{seconds:g}" if isinstance(seconds, int | float) else repr(seconds)
        raise InputError("seconds", f"{said} is no time to solve in", "Give more than 0")


def assert_whole(where: str, given: object, remedy: str) -> None:
    """Pass if *given* is a whole number.

    Raises:
        InputError: it is none.
    """
    if not isinstance(given, int) or isinstance(given, bool):
        raise InputError(where, f"{given!r} is no whole number", remedy)

"""What every error is, and the two ways in which they are told: with a place, and as a list of reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rebalancer.sanitise import sentence
from rebalancer.units import first_few

SHOWN = 5
"""How many of its reasons an error lists."""


class RebalancerError(Exception):
    """Base of every error that the rebalancer raises on purpose; it comes whole from another process."""

    def __reduce__(self) -> tuple[object, ...]:
        """What it is, and what it keeps; whatever its class is called with."""
        return _anew, (type(self), self.args, self.__dict__)


def _anew(kind: type[RebalancerError], args: tuple[object, ...], kept: dict[str, object]) -> RebalancerError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(kept)
    return error


class Located(RebalancerError):
    """Something went wrong at a place that can be named.

    Args:
        where: the place.
        problem: what is wrong there, naming the object.
        remedy: what to do about it.
    """

    def __init__(self, where: str, problem: str, remedy: str) -> None:
        super().__init__(where, problem, remedy)
        self.where, self.problem, self.remedy = where, problem, remedy

    def __str__(self) -> str:
        return sentence(self.where, ": ", self.problem, ". ", self.remedy, ".")


class Listed(RebalancerError):
    """Something went wrong for reasons that are one sentence each, told between `what` and `remedy`."""

    what: ClassVar[str]
    remedy: ClassVar[str]

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(tuple(reasons))
        self.reasons = tuple(reasons)

    def __str__(self) -> str:
        return sentence(self.what, ": ", first_of(self.reasons), ". ", self.remedy, ".")


def first_of(reasons: Sequence[str]) -> str:
    """The first of *reasons*, and how many more there are."""
    return first_few(reasons, SHOWN, between="; ", more="; and {} more")

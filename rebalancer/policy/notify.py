"""The section of a policy that says who is told what of a night."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from rebalancer.policy.hours import Day
from rebalancer.policy.sections import Section, Title

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _name(text: str) -> str:
    """The name of a variable; what is none is not repeated, because somebody may have written a secret there."""
    if not _NAME.fullmatch(text):
        problem = "it names variables such as OPS_MAIL, whose values are the URLs; a URL has no place in a policy"
        raise ValueError(problem)
    return text


class ToldOf(StrEnum):
    """What people may be told of."""

    VERDICT = "verdict"
    PEOPLE = "people"
    LIMITS = "limits"
    WINDOW = "window"
    APPROVAL = "approval"
    METRICS = "metrics"
    REPEATED = "repeated"
    WEEKLY = "weekly"


class NotifyPolicy(Section):
    """Who is told of a night, and of what.

    `to` are names: of variables of the environment, or of lines `NAME=URL` in `credentials_file`; the URLs hold secrets
    and stand nowhere else. `tell` is what is told: a verdict of another kind than the night before, nights that need
    people, plans that limits cut, windows that closed with steps left, plans that wait for approval, metrics that were
    refused, `repeated_nights` failed nights in a row, and once a week, on `digest_day`, what the nights came to. With
    `pool_messages`, the pool gets a message, too, which needs the role pool operator.
    """

    to: tuple[Annotated[str, AfterValidator(_name)], ...] = ()
    credentials_file: Title | None = None
    tell: Annotated[tuple[ToldOf, ...], Field(min_length=1)] = tuple(ToldOf)
    repeated_nights: Annotated[int, Field(ge=2, le=365)] = 3
    digest_day: Day = Day.MONDAY
    pool_messages: bool = False

    @property
    def wanted(self) -> bool:
        """Whether anybody is to be told anything."""
        return bool(self.to) or self.pool_messages

    @model_validator(mode="after")
    def _is_of_use(self) -> NotifyPolicy:
        if self.credentials_file and not self.to:
            raise ValueError("credentials_file is of no use without names in to")
        return self

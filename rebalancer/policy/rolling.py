"""The section of a policy that says how hosts are rebooted or updated, one after another."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, field_validator

from rebalancer.policy.sections import MUCH, Names, Section, Title

HOURS_A_WEEK = 168


class Approve(StrEnum):
    """What an approval is for, where all hosts are worked on."""

    ITINERARY = "itinerary"
    STAGE = "stage"


class RollingPolicy(Section):
    """How `rolling --execute` works on a host that is empty, and how long it waits for it.

    `command` is a program with its arguments, run on this machine to reboot or update the host; without it people do
    that, or XAPI where `execution.power` says "reboot". It may take `command_minutes`; then the host has `boot_minutes`
    to be back.

    `shut_down` are VMs that may be shut down cleanly while their host is worked on, where they cannot leave it and that
    is asked for; a guest may take `shutdown_minutes` to shut down, and to start. Those in `hard_shut_down`, each by its
    uuid or its name, are switched off where their guest does not react in that time; nobody else ever is.

    With `within_hours`, hosts go down in the hours of least load, inside the change windows, so that all is over so
    long after the work began; without, one after the other.

    With `plan_anew`, a stage whose plan the pool does not allow any more at its turn is planned anew under the same
    policy; without it the work stops there. With `approve = "stage"`, each stage waits for an approval of its own.
    """

    command: tuple[Title, ...] = ()
    command_minutes: Annotated[float, Field(gt=0, le=MUCH)] = 60.0
    boot_minutes: Annotated[float, Field(gt=0, le=MUCH)] = 30.0
    shut_down: Names = ()
    hard_shut_down: Names = ()
    shutdown_minutes: Annotated[float, Field(gt=0, le=MUCH)] = 20.0
    within_hours: Annotated[float, Field(gt=0, le=HOURS_A_WEEK)] | None = None
    plan_anew: bool = False
    approve: Approve = Approve.ITINERARY

    @field_validator("hard_shut_down")
    @classmethod
    def _by_itself(cls, names: Names) -> Names:
        for name in names:
            if name.startswith("tag:"):
                raise ValueError(f"{name!r} stands for many: name each VM that may be switched off by itself")
        return names

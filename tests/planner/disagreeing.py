"""Makers of plans that have another opinion than the checker: of words, figures or times, and of no rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from rebalancer.plan import Finding, HostRow, Schedule, Step
from rebalancer.plan.finding import FindingKind
from rebalancer.planner import compose
from rebalancer.verify.simulate import Simulation

Edit = Callable[[Any], Any]


def first_step(**changes: Any) -> Edit:  # noqa: ANN401 - any field of a step
    """Steps with the first one changed."""

    def edit(steps: tuple[Step, ...]) -> tuple[Step, ...]:
        return (replace(steps[0], **changes), *steps[1:])

    return edit


def other_peak(rows: tuple[HostRow, ...]) -> tuple[HostRow, ...]:
    """Hosts with a byte more on the first one."""
    return (replace(rows[0], memory_peak_bytes=rows[0].memory_peak_bytes + 1), *rows[1:])


def longer(schedule: Schedule) -> Schedule:
    """A schedule with a minute more."""
    return replace(schedule, seconds=schedule.seconds + 60)


DISAGREEMENTS: dict[str, tuple[str, Edit]] = {
    "the reason of a step": ("_with_figures", first_step(why="for fun")),
    "the summary": ("summary_of", "All is well: {}".format),
    "the memory of a host": ("host_rows", other_peak),
    "the memory of a step": ("steps_of", first_step(memory_bytes=1)),
    "the length of a step": ("steps_of", first_step(seconds=1.0, seconds_low=1.0, seconds_high=1.0)),
    "the schedule": ("schedule_of", longer),
}
"""By what they are about: the part of `compose` that makes it, and what it says instead."""


def disagree(monkeypatch: pytest.MonkeyPatch, about: str) -> None:
    """From now on plans are made with the disagreement *about* something."""
    name, edit = DISAGREEMENTS[about]
    make = getattr(compose, name)
    monkeypatch.setattr(compose, name, lambda *values, **options: edit(make(*values, **options)))


def refuse_once_moved(monkeypatch: pytest.MonkeyPatch, vm: str, other: str, *, left: str) -> None:
    """From now on the checker refuses to move *vm* once *other* has *left* a host, which no order can foresee."""
    ask = Simulation._refused

    def refused(self: Simulation, step: Step) -> Iterator[Finding]:
        if step.vm == vm and self.placement[other] != left:
            words = f"{other} is elsewhere"
            yield Finding(kind=FindingKind.ILLEGAL, step=step.id, state="meanwhile", rule="company", words=words)
        yield from ask(self, step)

    monkeypatch.setattr(Simulation, "_refused", refused)

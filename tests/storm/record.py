"""What happened in a storm, in its order: calls, lines of journals, deaths, and what others did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rebalancer.plan import Plan


@dataclass(slots=True, kw_only=True)
class Run:
    """One process that carries a plan out: who, which plan, where it writes, and how it ended, in words."""

    name: str
    plan: Plan
    state: Path
    journal: Path
    asked_to_stop: float | None = None
    died: float | None = None
    end: str = ""


@dataclass(slots=True, kw_only=True)
class Call:
    """A call that changes something; `heard` is what the caller heard, `task` the task that the pool gave it.

    `vm` and `target` are uuids, empty where the call is about neither; `arrived` is when the pool carried it out.
    """

    at: float
    run: Run
    method: str
    params: list[Any]
    vm: str = ""
    target: str = ""
    arrived: float | None = None
    heard: str = "nothing"
    task: str = ""
    is_on_the_wire: bool = False

    def __str__(self) -> str:
        about = f" {self.vm[:8]} to {self.target[:8]}" if self.vm else ""
        return f"{self.run.name}: {self.method}{about}: {self.heard}"


@dataclass(slots=True, kw_only=True)
class Line:
    """A line that came into a journal whole."""

    at: float
    run: Run
    entry: dict[str, Any]

    def __str__(self) -> str:
        facts = {key: value for key, value in self.entry.items() if value and key not in {"at", "format", "plan"}}
        return f"{self.run.name} writes: {facts}"


@dataclass(slots=True, kw_only=True)
class Deed:
    """Something that the weather or another person did."""

    at: float
    words: str

    def __str__(self) -> str:
        return self.words


Event = Call | Line | Deed


@dataclass(slots=True)
class Record:
    """All events of a storm, and its runs."""

    events: list[Event] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)

    def calls(self) -> Iterator[Call]:
        """Those that move VMs, in order."""
        return (each for each in self.events if isinstance(each, Call) and each.vm)

    def lines(self, journal: Path) -> Iterator[Line]:
        """Those of one journal, in order."""
        return (each for each in self.events if isinstance(each, Line) and each.run.journal == journal)

    def told(self) -> Iterator[str]:
        """Everything in words, each with the second at which it happened."""
        return (f"{each.at:8.2f}  {each}" for each in self.events)

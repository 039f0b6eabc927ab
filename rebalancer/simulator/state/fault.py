"""What a kind of fault is, and one that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from types import MappingProxyType
from typing import Any, Final

from rebalancer.simulator.state.pool import Records

Draw = Callable[[Random, Records], object]
Words = dict[str, object]
"""Settings of a fault by name, as they are drawn."""

SUBJECTS: Final = MappingProxyType(
    {
        "vm": "the VM in whose migration it happens; without it, any",
        "host": "the host that it happens to; without it, any",
        "method": "the call that it happens to, such as VM.get_record; without it, any",
    }
)
"""What a fault may be about, the same for every kind."""

TRIGGERS: Final = MappingProxyType(
    {
        "skip": "how many occasions pass first",
        "times": "how often it happens, -1 for always",
        "after": "seconds before which it does not happen",
        "lasts": "seconds for which it happens at every occasion, from the first on",
    }
)
"""When a fault happens, the same for every kind."""

IN_A_MOVE: Final = {"at": "0.5"}


class Occasion(Enum):
    """Where a kind of fault strikes, and with what its effect is called; those `IN_PLACE` are asked for by name."""

    CALL = "a call arrives"
    """`effect(world, fault, call)` before the call is carried out; may raise, or return what is answered instead."""
    ANSWER = "a call is answered"
    """`effect(world, fault, reply)` once it is carried out; returns what is answered instead, or raises."""
    MOVE = "a migration is under way"
    """`effect(world, fault, transfer)` at progress `at` of the migration; may raise what the migration fails with."""
    POOL = "at any moment"
    """`effect(world, fault, vm)`: the VM, by its ref, in whose migration it strikes, if it is one."""
    IN_PLACE = "where it belongs"


class Moment(Enum):
    """When a fault of the pool strikes."""

    CALL = "when a call of `method` arrives"
    PROGRESS = "at progress `at` of a migration"
    END = "once a migration is over"
    TIME = "`after` seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting of a kind of fault: what it means, its value where nobody says one, and how one is drawn."""

    words: str
    default: str = ""
    draw: Draw | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """A kind of fault.

    Args:
        name: what it is asked for by.
        words: what happens, in one sentence, with settings in backquotes.
        occasion: where it strikes.
        effect: what it does, see `Occasion`; None for what is played where it belongs.
        settings: what it reads besides, by name; each has a default.
        moment: when one of the pool strikes that says nothing about it.
        operation: the only kind of migration it happens to, pool_migrate or migrate_send; None for both.
        trigger: draws when and to whom it happens; None for what does not matter to a plan that is carried out.
    """

    name: str
    words: str
    occasion: Occasion
    effect: Callable[..., Any] | None = None
    settings: Mapping[str, Setting] = field(default_factory=dict)
    moment: Moment = Moment.END
    operation: str | None = None
    trigger: Callable[[Random, Records], Words] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that is to go wrong.

    Args:
        kind: the name of a kind.
        about: what it happens to, {"vm": uuid}, {"host": uuid} or {"method": name}; what is not named matches all.
        settings: what the kind reads besides, all strings.
        times: how often it happens; below 0 for always.
        skip: how many matching occasions it lets pass first.
        after: seconds, from when it was asked for, before which it lets everything pass.
        lasts: seconds from its first strike on for which it strikes at every occasion, in place of `times`.
    """

    kind: str
    about: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    times: int = 1
    skip: int = 0
    after: float = 0.0
    lasts: float = 0.0

    def number(self, name: str, default: float) -> float:
        """A setting as a number."""
        return float(self.settings.get(name, default))

    def __str__(self) -> str:
        """As `parse` reads it: the kind, and whatever is not as usual."""
        counts = {name: str(getattr(self, name)) for name in TRIGGERS if getattr(self, name) != _USUAL[name]}
        words = ",".join(f"{name}={value}" for name, value in {**self.about, **self.settings, **counts}.items())
        return f"{self.kind}:{words}" if words else self.kind


_USUAL: Final = {"skip": 0, "times": 1, "after": 0.0, "lasts": 0.0}


def fault_of(kind: str, words: Mapping[str, str]) -> Fault:
    """The fault that a kind and its settings by name, all texts, are.

    Raises:
        ValueError: what should be a number is none.
    """
    about = {name: value for name, value in words.items() if name in SUBJECTS}
    settings = {name: value for name, value in words.items() if name not in {*SUBJECTS, *TRIGGERS}}
    times, skip = (int(words.get(name, _USUAL[name])) for name in ("times", "skip"))
    after, lasts = (float(words.get(name, _USUAL[name])) for name in ("after", "lasts"))
    return Fault(kind=kind, about=about, settings=settings, times=times, skip=skip, after=after, lasts=lasts)

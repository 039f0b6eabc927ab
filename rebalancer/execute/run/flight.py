"""Concurrent migrations in one thread: each advances by one look when that is due.

Nothing is sent while another call is being sent, and no look at the pool is older than the decision that rests on it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field

from rebalancer.errors import IllegalPlan, InventoryError, StalePlan, XapiError
from rebalancer.execute.journal.entries import Looked
from rebalancer.execute.judge.hindrance import Hindrance
from rebalancer.execute.run.lookout import Wait
from rebalancer.plan import Step

Note = Callable[[Step, Looked], None]


class Halt(Exception):
    """A step did not end as it was to: nothing more is begun, for a reason that needs people."""


class StopAsked(Exception):
    """Somebody asked to stop, and nothing is under way; a pool that does not answer is not waited for any more."""

    def __init__(self, silence: XapiError | None = None) -> None:
        super().__init__(silence)
        self.silence = silence

    def __str__(self) -> str:
        return "it was asked to stop" + (f"; the pool does not answer ({self.silence.problem})" if self.silence else "")


class Withdrawn(Exception):
    """A step is not begun after all: somebody asked to stop, another did not end well, or it would be late by now."""


class StepHeld(Exception):
    """A step is not begun for now: its VM is blocked or busy, or it may not be made without one that is."""

    def __init__(self, hindrance: Hindrance) -> None:
        super().__init__(hindrance.words)
        self.hindrance = hindrance


class UnforeseenEnd(Exception):
    """Nobody knows what went wrong; after a call was sent, people have to look all the same."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(cause)
        self.__cause__ = cause

    def __str__(self) -> str:
        return f"unforeseen {type(self.__cause__).__name__}: {self.__cause__}"


@dataclass(slots=True, kw_only=True)
class Flights:
    """Steps under way, and the errors that ended some of them; `note` hears how each ended, `hold` of those held.

    `sent` are the ids of those whose call has left and that are not over; `ever_sent` tells whether any call has left.
    """

    note: Note
    hold: Callable[[Step, Hindrance], None]
    sent: set[str] = field(default_factory=set)
    ever_sent: bool = False
    troubles: list[Exception] = field(default_factory=list)
    _ways: dict[str, tuple[Step, Generator[Wait | None, None, Looked]]] = field(default_factory=dict)
    _waits: dict[str, Wait | None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._ways)

    @property
    def waits(self) -> tuple[Wait | None, ...]:
        """What each of those under way waits for."""
        return tuple(self._waits.values())

    def launch(self, step: Step, way: Generator[Wait | None, None, Looked]) -> None:
        """Add *step*, which advances by *way*."""
        self._ways[step.id] = step, way

    def go_on(self, is_due: Callable[[Wait | None], bool]) -> tuple[Step, ...]:
        """Advance each whose wait *is_due* by one look, and return the steps that are over, however they ended.

        Raises:
            InputError: nothing can be written down any more; what is on its way is left to the next run.
        """
        over = []
        for step, way in tuple(self._ways.values()):
            if is_due(self._waits.get(step.id)) and self._is_over(step, way):
                del self._ways[step.id]
                self._waits.pop(step.id, None)
                over.append(step)
        return tuple(over)

    def raise_troubles(self) -> None:
        """Raise what ended steps; of several that need people, all words in one `Halt`."""
        halts = [str(error) for error in self.troubles if isinstance(error, Halt)]
        if halts:
            raise Halt(". ".join(halts))
        if self.troubles:
            raise self.troubles[0]

    def _is_over(self, step: Step, way: Generator[Wait | None, None, Looked]) -> bool:
        """Advance *step* by one look: the outcome of one that is over is noted, its error kept."""
        try:
            self._waits[step.id] = next(way)
        except StopIteration as end:
            self._settle(step, end.value)
        except Withdrawn:
            return True
        except StepHeld as held:
            self.hold(step, held.hindrance)
        except (Halt, StalePlan, IllegalPlan, InventoryError, XapiError) as error:
            self.troubles.append(error)
        else:
            return False
        return True

    def _settle(self, step: Step, looked: Looked) -> None:
        try:
            self.note(step, looked)
        except Halt as error:
            self.troubles.append(error)

"""How far a run is that this process watches, and how long it will still take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from rebalancer.execute import RunForecast, UnderWay, forecast, pace_of
from rebalancer.plan import Plan, Step
from rebalancer.units import counted, duration_in_words


@dataclass(slots=True)
class Outlook:
    """What has been heard of the run of *plan*; *clock* counts seconds."""

    plan: Plan
    clock: Callable[[], float] = time.monotonic
    done: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    took: dict[str, float] = field(default_factory=dict)
    _began: dict[str, float] = field(default_factory=dict)
    _share: dict[str, float] = field(default_factory=dict)
    _expected: tuple[float, RunForecast] = field(init=False)

    def __post_init__(self) -> None:
        self._expect()

    def made_before(self, steps: Iterable[str]) -> None:
        """An earlier run has made *steps*."""
        self.done.update(steps)
        self._expect()

    def begin(self, step: Step) -> None:
        """*step* is on its way."""
        self._began[step.id], self._share[step.id] = self.clock(), 0.0
        self.held.discard(step.id)
        self._expect()

    def advance(self, step: Step, share: float) -> None:
        """*step* has got so far, 0 to 1."""
        self._began.setdefault(step.id, self.clock())
        self._share[step.id] = share
        self._expect()

    def hold(self, step: Step) -> None:
        """Nothing can be done for *step* just now."""
        self._forget(step)
        self.held.add(step.id)
        self._expect()

    def end(self, step: Step, *, moved: bool) -> None:
        """*step* is over."""
        began = self._forget(step)
        (self.done if moved else self.held).add(step.id)
        if moved and began is not None:
            self.took[step.id] = self.clock() - began
        self._expect()

    def left(self, step: str | None = None) -> float:
        """Seconds until *step* is done, or all that can be told; 0 where nobody can tell. Safe in any thread."""
        at, expected = self._expected
        then = expected.seconds if step is None else expected.ends.get(step, 0.0)
        return max(0.0, then - (self.clock() - at))

    def _expect(self) -> None:
        now = self.clock()
        ways = {step: UnderWay(elapsed=now - began, share=self._share[step]) for step, began in self._began.items()}
        pace = pace_of(self.took, self.plan)
        expected = forecast(self.plan, done=self.done, under_way=ways, held=self.held, pace=pace)
        self._expected = now, expected

    @property
    def share(self) -> float:
        """How much of the plan is made, 0 to 1, by the estimates of its steps."""
        whole = sum(step.seconds for step in self.plan.steps)
        made = sum(step.seconds * self._made(step) for step in self.plan.steps)
        return made / whole if whole else 1.0

    def __str__(self) -> str:
        left = self.left()
        count = f"{len(self.done)} of {counted(len(self.plan.steps), 'step')} done"
        return count + (f", about {duration_in_words(left)} to go" if left else "")

    def _made(self, step: Step) -> float:
        return 1.0 if step.id in self.done else self._share.get(step.id, 0.0)

    def _forget(self, step: Step) -> float | None:
        """When *step* began, which is no longer on its way."""
        self._share.pop(step.id, None)
        return self._began.pop(step.id, None)

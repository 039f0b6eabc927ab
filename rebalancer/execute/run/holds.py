"""Steps that are held because their VMs are blocked or busy, when to look again, and steps that are set aside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf

from rebalancer.execute.judge.hindrance import Hindrance
from rebalancer.execute.options import Clock, RunReporter
from rebalancer.execute.result import HeldStep
from rebalancer.execute.run.hours import Hours
from rebalancer.execute.run.watch import Watch
from rebalancer.plan import Plan, Step
from rebalancer.units import SECONDS_PER_MINUTE


@dataclass(slots=True, kw_only=True)
class Holds:
    """What holds which step, and which failed and are set `aside`, in words.

    A hindrance that passes by itself is waited for until *hours* end; without an end, and for what only somebody's will
    ends, `patience` seconds after the last step that was over. The last of `stop_after` failures is not set aside.
    """

    clock: Clock
    hours: Hours
    reporter: RunReporter
    patience: float
    between: float
    stop_after: int
    by_step: dict[str, Hindrance] = field(default_factory=dict)
    aside: dict[str, str] = field(default_factory=dict)
    _looked: dict[str, float] = field(default_factory=dict)
    _idle_since: float = field(init=False)

    @classmethod
    def begun(cls, plan: Plan, watch: Watch, hours: Hours, reporter: RunReporter) -> Holds:
        """As the policy of *plan* wants it, while nothing is held."""
        policy = plan.policy.execution
        return cls(
            clock=watch.clock,
            hours=hours,
            reporter=reporter,
            patience=policy.patience_minutes * SECONDS_PER_MINUTE,
            between=watch.timeouts.held,
            stop_after=policy.stop_after_failures,
        )

    def __post_init__(self) -> None:
        self.went_on()

    def went_on(self) -> None:
        """Begin to count patience anew, because a step is over."""
        self._idle_since = self.clock.monotonic()

    def hold(self, step: Step, hindrance: Hindrance) -> None:
        """Hold *step* for now; told once a reason."""
        if self.by_step.get(step.id) != hindrance:
            self.reporter.step_waits(step, hindrance.words)
        self.by_step[step.id] = hindrance
        self._looked[step.id] = self.clock.monotonic()

    def release(self, step: Step) -> None:
        """Forget what held *step*, because it is over."""
        self.by_step.pop(step.id, None)
        self.went_on()

    def set_aside(self, step: Step, words: str) -> None:
        """Leave *step*, which failed, to another run."""
        self.release(step)
        self.aside[step.id] = words

    def takes(self, step: Step) -> bool:
        """Whether *step*, which failed, may be set aside, and does not end the run."""
        return len(self.aside.keys() | {step.id}) < self.stop_after

    @property
    def before(self) -> str:
        """What is set aside, a line each, to stand below what ended the run."""
        return "".join(f"\nbefore, {step}: {words}" for step, words in self.aside.items())

    @property
    def given_up(self) -> frozenset[str]:
        """Steps that this run does not make any more, by themselves: they failed, or may not be made without those."""
        return frozenset({*self.aside, *(step for step, each in self.by_step.items() if each.for_good)})

    def hold_all(self, steps: Iterable[Step]) -> bool:
        """Whether each of *steps* is held: time alone would make none of them."""
        return all(step.id in self.by_step for step in steps)

    def may_be_tried(self, step: Step) -> bool:
        """Whether nothing held *step*, or was looked at a while ago."""
        return step.id not in self.by_step or self.clock.monotonic() >= self._looked[step.id] + self.between

    def looked_at_next(self) -> float:
        """The first moment at which a held step may be tried, by `Clock.monotonic`; never without one."""
        return min((self._looked[step] + self.between for step in self.by_step), default=inf)

    def are_worth_waiting(self, steps: Iterable[Step]) -> bool:
        """Whether one of *steps*, which could be begun but for what holds them, is still to be waited for."""
        held = [each for step in steps if (each := self.by_step.get(step.id)) and not each.for_good]
        within = self.clock.monotonic() < self._idle_since + self.patience
        return any(within or (each.passes and self.hours.are_limited) for each in held)

    def told(self, left: Sequence[Step]) -> Iterator[HeldStep]:
        """Why each of the steps that are *left* was not made: how it failed, what held it, or what it waits for."""
        why = {step: each.words for step, each in self.by_step.items()} | self.aside
        held = set[str]()
        for step in left:
            waits = [each for each in step.after if each in held]
            if step.id in why or waits:
                held.add(step.id)
                words = why.get(step.id, f"waits for {', '.join(waits)}")
                yield HeldStep(step=step.id, vm=step.vm, vm_name=step.vm_name, words=words)

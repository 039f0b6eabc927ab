"""Why nothing more is started although every step that is left may be legal."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from rebalancer.execute.judge.others import Others, homes_of
from rebalancer.execute.judge.pool_changes import pool_changes
from rebalancer.execute.options import RunReporter
from rebalancer.execute.result import Ending
from rebalancer.execute.run.flight import Halt, Withdrawn
from rebalancer.execute.run.load_guard import LoadGuard
from rebalancer.execute.run.watch import Watch
from rebalancer.inventory import Pool, Uuid
from rebalancer.plan import Plan, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """How a run ends that starts nothing more, and why, in words."""

    ending: Ending
    words: str


@dataclass(slots=True, kw_only=True)
class Stops:
    """Looks for reasons to start nothing more; `first` is the pool as the run found it."""

    plan: Plan
    first: Pool
    reporter: RunReporter
    load: LoadGuard
    found: Stop | None = None
    others: Others = field(init=False)

    @classmethod
    def begun(cls, plan: Plan, watch: Watch, reporter: RunReporter, pool: Pool) -> Stops:
        """As a run of *plan* finds *pool*."""
        load = LoadGuard(plan=plan, watch=watch, reporter=reporter, first=pool)
        return cls(plan=plan, first=pool, reporter=reporter, load=load)

    def __post_init__(self) -> None:
        ours = frozenset(step.vm for step in self.plan.steps)
        self.others = Others(ours=ours, homes=homes_of(self.first))

    def is_on_hold(self, pool: Pool) -> bool:
        """Whether *pool* carries the tag that holds it; then nothing is started."""
        tag = self.plan.policy.execution.hold_tag
        held = [member.called for member in pool.members if tag in member.tags]
        if held:
            self._stop(Ending.ON_HOLD, f"pool {held[0]} carries the tag {tag}")
        return bool(held)

    def assert_not_on_hold(self, pool: Pool) -> None:
        """Pass where nothing holds *pool*.

        Raises:
            Withdrawn: it is on hold.
        """
        if self.is_on_hold(pool):
            raise Withdrawn

    def assert_steady(self, pool: Pool, under_way: Collection[Uuid]) -> None:
        """Pass where *pool*, in which our steps move the VMs in *under_way*, is run as it was when the run began.

        Raises:
            Withdrawn: HA, its coordinator or its hosts have changed.
            Halt: somebody else migrates VMs, too.
        """
        self.others.see(pool, under_way)
        if len(self.others.moved) >= self.plan.policy.execution.foreign_migrations:
            raise Halt(
                f"somebody else has migrated {self.others.words} since the run began, and two balancers undo each "
                "other's work: switch the other one off (Xen Orchestra's load balancer, scripts), then resume"
            )
        if changes := self.changes(pool):
            self._stop(Ending.CHANGED, "; ".join(changes))
            raise Withdrawn

    def assert_calm(self, step: Step, done: Collection[str]) -> None:
        """Pass where the hosts of *step* are as busy as was predicted for the steps in *done*, or nobody wants to know.

        Raises:
            Withdrawn: one is busier.
        """
        if words := self.load.excess(step, done):
            self._stop(Ending.OVERLOADED, words)
            raise Withdrawn

    def changes(self, pool: Pool) -> tuple[str, ...]:
        """How *pool* is run otherwise than when the run began."""
        return pool_changes(self.first, pool)

    def _stop(self, ending: Ending, words: str) -> None:
        if self.found is None:
            self.found = Stop(ending=ending, words=words)
            self.reporter.stopping(f"{ending.value}: {words}")

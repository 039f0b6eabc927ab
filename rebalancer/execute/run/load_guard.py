"""Whether the hosts of a step are as busy as its plan predicted, as far as the policy wants to know."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from rebalancer.execute.judge.predicted_load import predicted_pcpu
from rebalancer.execute.options import RunReporter
from rebalancer.execute.run.watch import Watch
from rebalancer.inventory import Pool, Uuid
from rebalancer.plan import Plan, Step
from rebalancer.problem import make_problem
from rebalancer.xapi import MetricsFailure

FRESH_SECONDS: Final = 60.0
"""How long an answer counts: hosts write their minutes down once a minute."""


@dataclass(slots=True, kw_only=True)
class LoadGuard:
    """Compares what hosts use with what *plan* predicted for the hour; `first` is the pool as the run found it."""

    plan: Plan
    watch: Watch
    reporter: RunReporter
    first: Pool
    _known: dict[Uuid, tuple[float, float | MetricsFailure]] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def excess(self, step: Step, done: Collection[str]) -> str:
        """Which host of *step* is busier than predicted with the steps in *done* made, in words; "" for neither."""
        factor = self.plan.policy.execution.load_factor
        return next(self._excesses(step, done, factor), "") if factor else ""

    def _excesses(self, step: Step, done: Collection[str], factor: float) -> Iterator[str]:
        problem = make_problem(self.first, None, self.plan.policy)
        for host, name in ((step.source, step.source_name), (step.target, step.target_name)):
            predicted = predicted_pcpu(self.plan, host, done, self.watch.clock.now())
            used = self._used(host)
            if predicted is None or isinstance(used, MetricsFailure):
                self._tell(name, used.reason if isinstance(used, MetricsFailure) else "the plan carries no load of it")
                continue
            used *= problem.pcpu_worth(self.first.hosts[host])
            capacity = problem.cpu_capacity(self.first.hosts[host])
            if used > factor * predicted and used > self.plan.policy.objective.threshold * capacity:
                yield (
                    f"host {name} uses {used:.1f} pCPUs, and the plan predicted {predicted:.1f} for this hour, "
                    f"execution.load_factor being {factor:g}"
                )

    def _used(self, host: Uuid) -> float | MetricsFailure:
        """pCPUs that a host uses, asked again once the last answer is old."""
        now = self.watch.clock.monotonic()
        asked_at, used = self._known.get(host, (-FRESH_SECONDS, 0.0))
        if now < asked_at + FRESH_SECONDS:
            return used
        used = self.watch.keep_asking(lambda: self.watch.live.load(self.first, host))
        self._known[host] = now, used
        return used

    def _tell(self, host: str, why: str) -> None:
        words = f"whether host {host} is busier than predicted, nobody knows: {why}"
        if words not in self._told:
            self._told.add(words)
            self.reporter.noticed("", words)

"""Plans on an executor, which is given values alone."""

from __future__ import annotations

from concurrent.futures import Executor
from datetime import datetime

import rebalancer as rb
from rebalancer.errors import IllegalPlan, RebalancerError, WorkerLost
from rebalancer.face.plans import rebalance_prepared
from rebalancer.face.task import prepared
from rebalancer.nightly.run import Planner
from rebalancer.solve import SolveReporter


def planner_on(executor: Executor) -> Planner:
    """Plans on *executor*. What comes back is proven here, as if a stranger had made it."""

    def planned(model: rb.Model, made_at: datetime, _reporter: SolveReporter, within: float) -> rb.Proposal:
        given = prepared(model, made_at)
        try:
            plan = executor.submit(rebalance_prepared, given, within).result()
        except RebalancerError:
            raise
        except Exception as error:  # a cluster raises errors of its own where workers die, and what planning did
            problem = f"the worker gave no plan ({type(error).__name__}: {error})"
            raise WorkerLost("planning", problem, "Look at the workers of the cluster") from error
        if findings := rb.verify(plan, model.state, now=made_at):
            raise IllegalPlan([str(each) for each in findings])
        return plan

    return planned

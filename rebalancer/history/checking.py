"""The day after a run: load as it was predicted, as it came, and as it would have come had nothing been moved."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand import LoadProfile, Quality
from rebalancer.describe.figures import load_shares, overloads_of
from rebalancer.execute.judge.predicted_load import predicted_pcpu
from rebalancer.history.outcome import CheckedHost, LoadCheck
from rebalancer.inventory import Pool, Uuid
from rebalancer.objectives import cpu_capacities
from rebalancer.placement import Placement
from rebalancer.plan import Plan
from rebalancer.policy import Policy
from rebalancer.problem import Problem, make_problem
from rebalancer.units import HOURS_A_DAY, moment_in_words

HOUR = timedelta(hours=1)
DECIMALS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A plan, the steps of it that are done, and when the last was; `until` is when the next run in the pool began."""

    plan: Plan
    done: Collection[str]
    ended_at: datetime
    until: datetime | None = None

    @property
    def since(self) -> datetime:
        """The first whole hour after it."""
        whole = self.ended_at.replace(minute=0, second=0, microsecond=0)
        return whole if whole == self.ended_at else whole + HOUR

    @property
    def left(self) -> dict[Uuid, Uuid]:
        """Where each guest was when it was over."""
        moved = {step.vm: step.target for step in self.plan.steps if step.id in self.done}
        return {**self.plan.before.host_of, **moved}


def check_of(carried: Carried, pool: Pool, demand: LoadProfile) -> LoadCheck | None:
    """How the day after a run came, by what is measured up to now; None where nothing is measured, or was predicted.

    What was measured is told by VM, so that it can be summed up for any placement: the one that the run left behind,
    and the one that there would be had the VMs stayed that it moved. VMs that came later are where they are in *pool*.
    An hour of a VM that is unknown counts as the mean of its others.

    Args:
        carried: the run.
        pool: the pool as it is now.
        demand: its load, hour by hour, as a plan would take it now.
    """
    hours = _hours(carried, demand)
    if not hours or carried.plan.load is None:
        return None
    problem = _problem(carried.plan, pool, _measured(demand, hours))
    predicted = _predicted(carried, problem, [demand.window_start + hour * HOUR for hour in hours])
    now, there = problem.initial.host_of, carried.left
    left = Placement(_known(now, there, pool))
    unmoved = Placement(_known(now, carried.plan.before.host_of, pool))
    shares = load_shares(problem, left)
    threshold = carried.plan.policy.objective.threshold
    above = np.maximum(predicted - threshold * cpu_capacities(problem)[:, None], 0.0)
    return LoadCheck(
        since=demand.window_start + hours[0] * HOUR,
        until=demand.window_start + (hours[-1] + 1) * HOUR,
        elsewhere=sum(now.get(vm, host) != host for vm, host in there.items()),
        overload_predicted=round(float(np.nansum(above)), DECIMALS),
        overload_measured=_overload(problem, left),
        overload_unmoved=_overload(problem, unmoved),
        hosts=tuple(_hosts(problem, predicted, shares)),
    )


def _known(now: Mapping[Uuid, Uuid], there: Mapping[Uuid, Uuid], pool: Pool) -> dict[Uuid, Uuid]:
    """Hosts of the guests of *now*: those of *there*, where that tells one that the pool still has."""
    return {vm: there[vm] if there.get(vm) in pool.hosts else host for vm, host in now.items()}


def _hours(carried: Carried, demand: LoadProfile) -> list[int]:
    """Numbers of the hours that are measured after the run, a day of them at most, and none of the next run."""
    if demand.series is None:
        return []
    first = (carried.since - demand.window_start) // HOUR
    last = min(first + HOURS_A_DAY, demand.series.hours)
    if carried.until:
        last = min(last, (carried.until - demand.window_start) // HOUR)
    return list(range(first, last)) if first >= 0 else []


def _measured(demand: LoadProfile, hours: list[int]) -> LoadProfile:
    """A profile in which each slot is one of *hours*."""
    if demand.series is None:
        raise ValueError("the profile holds no hours")
    start = demand.window_start + hours[0] * HOUR
    return replace(
        demand,
        vm_pcpu=_filled(demand.series.vm_pcpu[:, hours]),
        host_base_pcpu=_filled(demand.series.host_base_pcpu[:, hours]),
        vm_deviation_pcpu=None,
        slot_hours=1.0,
        quality=dict.fromkeys(demand.vms, Quality.MEASURED),
        percentile=100.0,
        window_start=start,
        window_end=start + len(hours) * HOUR,
        days=(),
        series=None,
        resources=(),
        flows=(),
    )


def _filled(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    known = ~np.isnan(rows)
    means = np.where(known, rows, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.where(known, rows, means[:, None])


def _problem(plan: Plan, pool: Pool, demand: LoadProfile) -> Problem:
    """The pool now, with hosts that have as many pCPUs as *plan* counted on."""
    wanted = Policy(
        capacity=plan.policy.capacity,
        objective=Policy().objective.model_copy(update={"threshold": plan.policy.objective.threshold}),
    )
    return make_problem(pool, demand, wanted)


def _predicted(carried: Carried, problem: Problem, moments: list[datetime]) -> NDArray[np.float64]:
    """pCPUs that the plan predicted, shape (hosts of the pool, hours), NaN where it predicted nothing."""
    rows = [
        [predicted_pcpu(carried.plan, host, carried.done, moment) for moment in moments] for host in problem.pool.hosts
    ]
    return np.array([[np.nan if each is None else each for each in row] for row in rows], dtype=np.float64)


def _overload(problem: Problem, placement: Placement) -> float:
    return round(sum(overloads_of(problem, placement).values()), DECIMALS)


def _hosts(problem: Problem, predicted: NDArray[np.float64], shares: NDArray[np.float64]) -> Iterator[CheckedHost]:
    """Hosts of which a load was predicted and measured."""
    capacities = cpu_capacities(problem)
    for number, host in enumerate(problem.pool.hosts):
        if capacities[number] > 0 and not np.isnan(predicted[number]).any():
            yield CheckedHost(
                uuid=host,
                name=problem.names.hosts[host],
                predicted_share=round(float(predicted[number].max() / capacities[number]), DECIMALS),
                measured_share=round(float(shares[number].max()), DECIMALS),
            )


def words_of(check: LoadCheck, carried: Carried, most: float) -> Iterator[str]:
    """Whether the run helped, and where its plan was wrong by more than *most*, a share of a host's pCPUs."""
    when = moment_in_words(carried.ended_at, carried.plan.policy.timezone)
    yield (
        f"the {check.hours:.0f} h after the run of {when}: {check.overload_measured:.1f} pCPU-hours of overload, "
        f"{check.overload_predicted:.1f} were predicted, {check.overload_unmoved:.1f} would have come without its moves"
    )
    for host in check.hosts:
        if host.measured_share - host.predicted_share > most:
            yield (
                f"host {host.name} came to {host.measured_share:.0%} of its pCPUs after the run of {when}, "
                f"predicted were {host.predicted_share:.0%}: more than history.prediction_error ({most:g}) above it"
            )

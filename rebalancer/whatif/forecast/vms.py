"""VMs that have more vCPUs than they use, use none, want more, or crowd out others; by recorded hours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand.past_hours import PastHours
from rebalancer.demand.vcpus import vcpu_limit
from rebalancer.inventory import VM, Uuid
from rebalancer.problem import Problem
from rebalancer.whatif.forecast.courses import own_capacity

LEAST_HOURS = 168
"""Known hours of a VM without which nothing is said of it: a week, so that its busiest day is among them."""
IDLE_SHARE, IDLE_PEAK = 0.02, 0.10
OVERSIZED_PEAK, ROOMY = 0.25, 0.60
BUSY_SHARE, BUSY_HOURS = 0.90, 0.05
CROWDING_SHARE, CROWDING_HOURS = 0.30, 3


class VMKind(StrEnum):
    """What is remarkable about a VM.

    IDLE: in 95 % of its hours below 2 % of its vCPUs, and never above 10 %. OVERSIZED: at least 2 vCPUs, its busiest
    hour below 25 % of them. CONSTRAINED: at 90 % of its vCPUs or more in 5 % of its hours. CROWDING: it takes 30 % of
    what its host uses or more, in 3 hours or more in which the host is above the policy's threshold, beside other VMs.
    """

    IDLE = "idle"
    OVERSIZED = "oversized"
    CONSTRAINED = "constrained"
    CROWDING = "crowding"


@dataclass(frozen=True, slots=True, kw_only=True)
class VMFinding:
    """What is remarkable about a VM, with the evidence.

    Args:
        vm: its uuid.
        host: where it is now.
        kind: what it is.
        vcpus: how many it has.
        mean_pcpu: what it used on average.
        peak_pcpu: its busiest hour.
        hours: how many hours are known.
        vcpus_enough: with so many, its busiest hour would be below 60 % of them; only where it is oversized.
        words: the evidence.
    """

    vm: Uuid
    host: Uuid
    kind: VMKind
    vcpus: int
    mean_pcpu: float
    peak_pcpu: float
    hours: int
    vcpus_enough: int | None
    words: str


def vm_findings(problem: Problem, past: PastHours) -> tuple[VMFinding, ...]:
    """The VMs of *problem* of which *past* has something to tell, as if they had always been where they are now."""
    used = dict(zip(past.vms, past.vm_pcpu, strict=True))
    load = _host_hours(problem, used)
    found = []
    for uuid, host in problem.initial.host_of.items():
        row, vm = used.get(uuid), problem.pool.vms[uuid]
        if row is None or np.count_nonzero(~np.isnan(row)) < LEAST_HOURS:
            continue
        found += [
            _finding(vm, host, row, kind, words) for kind, words in (*_of_itself(vm, row), *_crowding(row, *load[host]))
        ]
    return tuple(found)


def _of_itself(vm: VM, row: NDArray[np.float64]) -> Iterator[tuple[VMKind, str]]:
    share = row[~np.isnan(row)] / max(1, vcpu_limit(vm))
    busy = float((share >= BUSY_SHARE).mean())
    often = float(np.quantile(share, 0.95))
    if often < IDLE_SHARE and share.max() <= IDLE_PEAK:
        yield VMKind.IDLE, f"below {often:.1%} of its vCPUs in 95% of its hours, {share.max():.1%} at most"
    elif vcpu_limit(vm) > 1 and share.max() < OVERSIZED_PEAK:
        yield VMKind.OVERSIZED, f"{share.max():.0%} of its vCPUs in its busiest hour"
    if busy >= BUSY_HOURS:
        yield VMKind.CONSTRAINED, f"{BUSY_SHARE:.0%} of its vCPUs or more in {busy:.0%} of its hours"


def _crowding(
    row: NDArray[np.float64],
    load: NDArray[np.float64],
    limit: float,
    others: bool,  # noqa: FBT001 - of a pair
) -> Iterator[tuple[VMKind, str]]:
    hot = (load > limit) & ~np.isnan(row)
    if not others or limit <= 0 or not hot.any():
        return
    large = row[hot] / load[hot] >= CROWDING_SHARE
    if large.sum() >= CROWDING_HOURS:
        share = float((row[hot] / load[hot])[large].mean())
        yield (
            VMKind.CROWDING,
            f"{share:.0%} of its host's load in {large.sum()} of {hot.sum()} hot hours",
        )


def _host_hours(
    problem: Problem, used: dict[Uuid, NDArray[np.float64]]
) -> dict[Uuid, tuple[NDArray[np.float64], float, bool]]:
    """For each host pCPUs of its VMs in each hour, its limit, and whether it holds more than one VM."""
    hours = len(next(iter(used.values()), ()))
    load = {host: np.zeros(hours) for host in problem.pool.hosts}
    count = dict.fromkeys(problem.pool.hosts, 0)
    for vm, host in problem.initial.host_of.items():
        count[host] += 1
        load[host] += np.nan_to_num(used.get(vm, np.zeros(hours)))
    threshold = problem.policy.objective.threshold
    return {host: (load[host], own_capacity(problem, host) * threshold, count[host] > 1) for host in problem.pool.hosts}


def _finding(vm: VM, host: Uuid, row: NDArray[np.float64], kind: VMKind, words: str) -> VMFinding:
    peak = float(np.nanmax(row))
    return VMFinding(
        vm=vm.uuid,
        host=host,
        kind=kind,
        vcpus=vcpu_limit(vm),
        mean_pcpu=float(np.nanmean(row)),
        peak_pcpu=peak,
        hours=int(np.count_nonzero(~np.isnan(row))),
        vcpus_enough=max(1, ceil(peak / ROOMY)) if kind is VMKind.OVERSIZED else None,
        words=words,
    )

"""The course of a plan: every host as it is predicted to be while a step runs and after it, from the plan alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rebalancer.describe.figures import DECIMALS, profile_of
from rebalancer.describe.load_course import LoadCourse
from rebalancer.errors import InputError
from rebalancer.inventory import Uuid
from rebalancer.plan.plan import HostRow, HostState, Plan
from rebalancer.plan.step import Step

ROUNDED = 4
"""Digits of a share that are certain: the capacity behind it is found from rounded figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostThen:
    """A host at one step: what its VMs hold while the step runs, and the host after it."""

    uuid: Uuid
    name: str
    memory_total_bytes: int | None
    memory_during_bytes: int
    after: HostState


def step_of(plan: Plan, name: str) -> Step:
    """The step of *plan* with the id *name*.

    Raises:
        InputError: there is none.
    """
    found = next((step for step in plan.steps if step.id == name), None)
    if found is None:
        ids = [step.id for step in plan.steps]
        remedy = f"Name one of {ids[0]} to {ids[-1]}" if ids else "The plan has no steps"
        raise InputError(f"step {name!r}", "the plan has no such step", remedy)
    return found


def hosts_at(plan: Plan, step: Step) -> tuple[HostThen, ...]:
    """Every host of *plan* at *step*, steps in their order; the order of the hosts is that of the plan.

    The CPU peak of the hosts comes from the demand that the plan carries; its slot is the one in which it is highest.
    """
    until = plan.steps[: plan.steps.index(step) + 1]
    held = {row.uuid: row.before.memory_used_bytes for row in plan.hosts}
    host_of = dict(plan.before.host_of)
    for each in until:
        held |= {host.host: host.after_bytes for host in each.hosts}
        host_of[each.vm] = each.target
    during = held | {host.host: host.during_bytes for host in step.hosts}
    peaks = _peaks(plan, host_of)
    return tuple(_then(row, held[row.uuid], during[row.uuid], host_of, peaks) for row in plan.hosts)


def _then(
    row: HostRow, held: int, during: int, host_of: Mapping[Uuid, Uuid], peaks: Mapping[Uuid, tuple[float, int]]
) -> HostThen:
    share, slot = peaks.get(row.uuid, (None, None))
    vms = tuple(sorted(vm for vm, host in host_of.items() if host == row.uuid))
    return HostThen(
        uuid=row.uuid,
        name=row.name,
        memory_total_bytes=row.memory_total_bytes,
        memory_during_bytes=during,
        after=replace(
            row.after,
            vms=vms,
            memory_used_bytes=held,
            peak_share=share,
            peak_slot=slot,
            overload_pcpu_hours=None,
            resource_peaks=(),
        ),
    )


def _peaks(plan: Plan, host_of: Mapping[Uuid, Uuid]) -> dict[Uuid, tuple[float, int]]:
    course = LoadCourse.of(plan)
    found = course.at(host_of) if course else _shares_by_peaks(plan, host_of)
    shares = {host: np.round(share, ROUNDED) for host, share in found.items()}
    return {host: (float(share.max()), int(share.argmax())) for host, share in shares.items()}


def _shares_by_peaks(plan: Plan, host_of: Mapping[Uuid, Uuid]) -> dict[Uuid, NDArray[np.float64]]:
    """Those of a plan that does not say what its shares are shares of."""
    then = _loads(plan, host_of)
    return {host: then[host] / capacity for host, capacity in _capacities(plan).items()}


def _capacities(plan: Plan) -> dict[Uuid, float]:
    """pCPUs that plans count on, of each host that has a load before or after the plan."""
    before, after = _loads(plan, plan.before.host_of), _loads(plan, plan.predicted.host_of)
    found: dict[Uuid, float] = {}
    for row in plan.hosts:
        for loads, state in ((before, row.before), (after, row.after)):
            if row.uuid in loads and state.peak_share and row.uuid not in found:
                found[row.uuid] = float(loads[row.uuid].max()) / state.peak_share
    return found


def _loads(plan: Plan, host_of: Mapping[Uuid, Uuid]) -> dict[Uuid, NDArray[np.float64]]:
    profile = profile_of(plan)
    if profile is None:
        return {}
    loads = {host: pcpu.copy() for host, pcpu in zip(profile.hosts, profile.host_base_pcpu, strict=True)}
    for vm, pcpu in zip(profile.vms, profile.vm_pcpu, strict=True):
        loads[host_of[vm]] += pcpu
    return {host: np.round(pcpu, DECIMALS) for host, pcpu in loads.items()}

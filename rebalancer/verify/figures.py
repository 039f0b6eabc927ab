"""The figures that a plan claims, computed again from the pool it was made from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rebalancer.describe.figures import host_rows, load_of, load_shares, metrics_of, profile_of
from rebalancer.describe.memory import memory_by_step
from rebalancer.inventory import Pool, Uuid
from rebalancer.objectives import OBJECTIVES, Objective, Peak
from rebalancer.placement import Placement
from rebalancer.plan.finding import Finding, FindingKind
from rebalancer.plan.plan import HostState, Load, Plan, Tier
from rebalancer.plan.step import Step
from rebalancer.problem import Problem, problem_at
from rebalancer.rules import Rule
from rebalancer.verify.disks import wrong_disks
from rebalancer.verify.reasons import wrong_reasons

NEED_DEMAND = {"overload", "balance", "peak", "spread"}
DEMAND_TOLERANCE = 1e-4
"""pCPUs that a measured curve may be off: each of many VMs that a part leaves out was rounded by itself."""
TOLERANCE = 1e-3
"""What a figure may be off, relatively or in its own unit: plans keep six digits of every pCPU."""


def wrong_claims(plan: Plan, problem: Problem, rules: Sequence[Rule]) -> Iterator[Finding]:
    """Figures and reasons of *plan* that are not those of *problem*, the pool that it was made from."""
    if problem.initial.host_of != plan.before.host_of:
        yield _wrong("placement", "the hosts' VMs before the plan are not where the inventory has them")
        return
    if set(plan.predicted) != set(plan.before):
        yield _wrong("placement", "the hosts' VMs after the plan are not the same VMs")
        return
    profile = profile_of(plan)
    if (profile is None) != (plan.load is None) or (profile and set(profile.hosts) != set(problem.pool.hosts)):
        yield _wrong("figures", "the demand that the plan carries does not fit its hosts and slots")
        return
    if plan.load and {curve.uuid for curve in plan.load.vms} != {step.vm for step in plan.steps}:
        yield _wrong("figures", "the demand that the plan carries is not that of the VMs that it moves")
        return
    carried = replace(problem, demand=profile, pool=_copied(problem.pool, plan))
    yield from _wrong_memory(plan, problem.pool)
    yield from _wrong_holds(plan.steps, problem)
    yield from _wrong_holds(plan.rollback, problem_at(problem, plan.predicted))
    yield from wrong_disks(plan, problem)
    rows = tuple(_wrong_rows(plan, carried))
    yield from rows or _wrong_slots(plan, carried)
    for tier in plan.tiers:
        yield from _wrong_tier(tier, carried, plan.predicted)
    yield from wrong_reasons(plan, carried, rules)


def strangers(plan: Plan, pool: Pool) -> Iterator[Finding]:
    """Hosts and VMs of *plan* that *pool*, which it says it was made from, does not have."""
    steps = (*plan.steps, *plan.rollback)
    hosts = {end for step in steps for end in (step.source, step.target)} | {row.uuid for row in plan.hosts}
    vms = {step.vm for step in steps} | {vm for row in plan.hosts for vm in (*row.before.vms, *row.after.vms)}
    for kind, unknown in (("host", hosts - pool.hosts.keys()), ("VM", vms - pool.vms.keys())):
        for uuid in sorted(unknown):
            yield _wrong("placement", f"the pool that it was made from has no {kind} {uuid}")


def wrong_demand(plan: Plan, problem: Problem) -> Iterator[Finding]:
    """The demand that *plan* carries is not that of *problem*, although both were measured in the same window."""
    measured, claimed = metrics_of(problem.demand), plan.made_from.metrics
    if measured is None or claimed is None or measured.window_end != claimed.window_end:
        return
    if problem.demand == profile_of(plan):
        return
    if replace(measured, source=claimed.source) != claimed:
        yield _wrong("figures", "what the plan says of the metrics behind it is not what was measured")
    if plan.policy.demand.peaking and problem.demand and problem.demand.vm_deviation_pcpu is None:
        yield _wrong("figures", "its policy asks for peaks, and the demand that was measured holds none: measure anew")
        return
    moved = {step.vm for step in plan.steps} & set(problem.initial)
    if not _same_load(load_of(problem, moved), plan.load):
        yield _wrong("figures", "the demand that the plan carries is not the one that was measured")


def _same_load(measured: Load | None, claimed: Load | None) -> bool:
    """Whether both say the same, up to what rounding twice leaves: a part of a plan is made from rounded figures."""
    if measured is None or claimed is None:
        return measured is claimed
    curves = [(*load.hosts, *load.vms) for load in (measured, claimed)]
    if [curve.uuid for curve in curves[0]] != [curve.uuid for curve in curves[1]]:
        return False
    return measured.slot_hours == claimed.slot_hours and all(
        len(one.pcpu) == len(other.pcpu) and np.allclose(one.pcpu, other.pcpu, rtol=0, atol=DEMAND_TOLERANCE)
        for one, other in zip(*curves, strict=True)
    )


def _copied(pool: Pool, plan: Plan) -> Pool:
    """*pool* with the memory of its VMs as it was when the plan was made: what guests use changes all the time."""
    sizes = {step.vm: step.memory_bytes for step in plan.steps}
    vms = {
        uuid: replace(vm, metrics=replace(vm.metrics, memory_actual_bytes=sizes[uuid]))
        if uuid in sizes and vm.metrics
        else vm
        for uuid, vm in pool.vms.items()
    }
    return replace(pool, vms=vms)


def _wrong_memory(plan: Plan, pool: Pool) -> Iterator[Finding]:
    """A step copies what its VM can have."""
    for step in (*plan.steps, *plan.rollback):
        if not _possible(step, pool):
            words = f"VM {step.vm_name} cannot have {step.memory_bytes} bytes of memory"
            yield Finding(kind=FindingKind.CLAIM, step=step.id, state="at the start", rule="figures", words=words)


def _wrong_holds(steps: Sequence[Step], problem: Problem) -> Iterator[Finding]:
    """Source and target of a step hold what it says; of VMs and hosts that are not there the steps themselves tell."""
    if any(
        step.vm not in problem.initial.host_of or not _hosts_of(step) <= problem.pool.hosts.keys() for step in steps
    ):
        return
    for step, hosts in zip(steps, memory_by_step(steps, problem), strict=True):
        if step.hosts != hosts:
            words = f"the memory of {step.source_name} and {step.target_name} is another than it says"
            yield Finding(
                kind=FindingKind.CLAIM, step=step.id, state=f"while {step.id} runs", rule="figures", words=words
            )


def _hosts_of(step: Step) -> set[Uuid]:
    """Source and target."""
    return {step.source, step.target}


def _possible(step: Step, pool: Pool) -> bool:
    """Whether the VM of *step* may have as much memory as the step says."""
    vm = pool.vms.get(step.vm)
    if vm is None:
        return True
    sizes = (vm.migration_memory_bytes, vm.memory.dynamic_min_bytes, vm.memory.dynamic_max_bytes)
    return min(sizes) <= step.memory_bytes <= max(sizes)


def _wrong_rows(plan: Plan, problem: Problem) -> Iterator[Finding]:
    """Hosts before and after."""
    claimed = {row.uuid: row for row in plan.hosts}
    for row in host_rows(problem, plan.predicted, plan.steps):
        mine = claimed.get(row.uuid)
        if mine is None or mine.memory_total_bytes != row.memory_total_bytes:
            yield _wrong("figures", f"the memory of host {row.name} is another")
        elif mine.memory_peak_bytes != row.memory_peak_bytes:
            yield _wrong("figures", f"host {row.name} comes to hold another amount of memory on the way")
        elif not (_alike(mine.before, row.before) and _alike(mine.after, row.after)):
            yield _wrong("figures", f"the figures of host {row.name} are others")


def _wrong_slots(plan: Plan, problem: Problem) -> Iterator[Finding]:
    """Hours at which hosts are said to be busiest; of several that are equally busy, any will do."""
    if problem.demand is None:
        return
    shares = [dict(zip(problem.pool.hosts, load_shares(problem, at), strict=True)) for at in _moments(plan, problem)]
    for row in plan.hosts:
        for state, share in zip((row.before, row.after), shares, strict=True):
            if state.peak_slot is not None and not _peaks_at(state, share[row.uuid]):
                yield _wrong("figures", f"host {row.name} is busiest at another hour")


def _moments(plan: Plan, problem: Problem) -> tuple[Placement, Placement]:
    """Before and after."""
    return problem.initial, plan.predicted


def _peaks_at(state: HostState, share: NDArray[np.float64]) -> bool:
    """Whether the load of each slot in *share* has its peak where *state* has it."""
    slot = state.peak_slot
    return slot is not None and slot in range(len(share)) and _close(float(share[slot]), float(share.max()))


def _alike(claimed: HostState, found: HostState) -> bool:
    """Whether two states of one host say the same."""
    exact = sorted(claimed.vms) == sorted(found.vms) and claimed.memory_used_bytes == found.memory_used_bytes
    exact = exact and (claimed.peak_slot is None) == (found.peak_slot is None)
    if claimed.peak_share is None or found.peak_share is None:
        return exact and claimed.peak_share is found.peak_share
    return exact and _close(claimed.peak_share, found.peak_share)


def _wrong_tier(tier: Tier, problem: Problem, predicted: Placement) -> Iterator[Finding]:
    """An objective before and after."""
    objective = next((each for each in OBJECTIVES if each.id == tier.objective), None)
    if objective is None:
        yield _wrong("tiers", f"there is no objective {tier.objective}")
    elif (tier.sentence, tier.unit) != (objective.sentence, objective.unit):
        yield _wrong("tiers", f"objective {tier.objective} is another than the plan says")
    elif problem.demand is None and tier.objective in NEED_DEMAND:
        yield _wrong("tiers", f"the plan claims {tier.objective} without any demand to compute it from")
    else:
        for moment, claimed, placement in (
            ("before", tier.before, problem.initial),
            ("after", tier.after, predicted),
        ):
            if not any(_close(claimed, value) for value in _values(objective, placement, problem)):
                words = f"the plan claims {claimed:g} {tier.unit} of {tier.objective} {moment} it, which is wrong"
                yield _wrong("tiers", words)
    if tier.bound > tier.after and not _close(tier.bound, tier.after):
        yield _wrong("tiers", f"the plan beats its own bound for {tier.objective}")
    if tier.proved and not _close(tier.bound, tier.after):
        yield _wrong("tiers", f"{tier.objective} is said to be proven best, and its bound says otherwise")


def _values(objective: Objective, placement: Placement, problem: Problem) -> tuple[float, ...]:
    """What the objective may be; the peak is that of some host, because hosts that nobody can leave do not count."""
    if isinstance(objective, Peak):
        return tuple(Peak(frozenset({host})).value(placement, problem) for host in problem.pool.hosts)
    return (objective.value(placement, problem),)


def _close(one: float, other: float) -> bool:
    """Equal up to what rounding leaves."""
    return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def _wrong(rule: str, words: str) -> Finding:
    """A finding about the whole plan."""
    kind = FindingKind.MISPLACED if rule == "placement" else FindingKind.CLAIM
    return Finding(kind=kind, step="", state="at the start", rule=rule, words=words)

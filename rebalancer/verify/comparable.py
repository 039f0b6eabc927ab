"""Whether a plan can be described anew: its VMs, hosts and demand are those of the pool that it was made from."""

from __future__ import annotations

from collections.abc import Iterator

from rebalancer.describe.figures import metrics_of, profile_of
from rebalancer.inventory import Pool
from rebalancer.plan.finding import Finding, FindingKind
from rebalancer.plan.plan import Plan
from rebalancer.problem import Problem


def strangers(plan: Plan, pool: Pool) -> Iterator[Finding]:
    """Hosts and VMs of *plan* that *pool*, which it says it was made from, does not have."""
    steps = (*plan.steps, *plan.rollback)
    hosts = {end for step in steps for end in (step.source, step.target)} | {row.uuid for row in plan.hosts}
    vms = {step.vm for step in steps} | {vm for row in plan.hosts for vm in (*row.before.vms, *row.after.vms)}
    for kind, unknown in (("host", hosts - pool.hosts.keys()), ("VM", vms - pool.vms.keys())):
        for uuid in sorted(unknown):
            yield _finding(FindingKind.MISPLACED, "placement", f"the pool that it was made from has no {kind} {uuid}")


def incomparable(plan: Plan, problem: Problem) -> Iterator[Finding]:
    """Why *plan* cannot be described anew for *problem*, the pool that it was made from."""
    profile, claim = profile_of(plan), FindingKind.CLAIM
    if problem.initial.host_of != plan.before.host_of:
        yield _finding(claim, "placement", "the hosts' VMs before the plan are not where the inventory has them")
    elif plan.predicted.host_of.keys() != problem.initial.host_of.keys():
        yield _finding(claim, "placement", "the hosts' VMs after the plan are not the same VMs")
    elif (profile is None) != (plan.load is None) or (profile and set(profile.hosts) != set(problem.pool.hosts)):
        yield _finding(claim, "figures", "the demand that the plan carries does not fit its hosts and slots")
    elif plan.load and {curve.uuid for curve in plan.load.vms} != {step.vm for step in plan.steps}:
        yield _finding(claim, "figures", "the demand that the plan carries is not that of the VMs that it moves")
    elif _without_peaks(plan, problem):
        words = "its policy asks for peaks, and the demand that was measured holds none: measure anew"
        yield _finding(claim, "figures", words)


def _without_peaks(plan: Plan, problem: Problem) -> bool:
    """Whether the demand of *problem*, of the same window as that of *plan*, lacks peaks that the policy asks for."""
    measured, claimed = metrics_of(problem.demand), plan.made_from.metrics
    if problem.demand is None or measured is None or claimed is None or measured.window_end != claimed.window_end:
        return False
    peaks = problem.demand.vm_deviation_pcpu is not None
    return bool(plan.policy.demand.peaking) and not peaks and problem.demand != profile_of(plan)


def _finding(kind: FindingKind, rule: str, words: str) -> Finding:
    return Finding(kind=kind, step="", state="at the start", rule=rule, words=words)

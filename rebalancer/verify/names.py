"""What people read in a plan, held against the pool: nobody approves one VM while another one moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rebalancer.describe.summary import Chosen, summary_of
from rebalancer.inventory import Pool, Uuid
from rebalancer.plan.finding import Finding, FindingKind
from rebalancer.plan.plan import Plan
from rebalancer.plan.step import Step


def wrong_words(plan: Plan, pool: Pool) -> Iterator[Finding]:
    """Names in *plan* that *pool* gives to something else or to nothing, and a summary that is not of this plan.

    A VM or host that is not in the pool any more has no name to compare.
    """
    hosts = {uuid: host.name for uuid, host in pool.hosts.items()}
    vms = {uuid: vm.name for uuid, vm in pool.vms.items()}
    for step in (*plan.steps, *plan.rollback):
        yield from _of_step(step, hosts, vms)
    for uuid, name in plan.made_from.pool_names.items():
        yield from _called("", "pool", uuid, name, {member.uuid: member.name for member in pool.members})
    for row in plan.hosts:
        yield from _called("", "host", row.uuid, row.name, hosts)
    yield from _of_srs(plan, {uuid: sr.name for uuid, sr in pool.srs.items()})
    for left in (*plan.left_alone, *plan.no_way_back):
        kind, names = ("host", hosts) if left.kind == "host" else ("VM", vms)
        yield from _called("", kind, left.uuid, left.name, names)
    if plan.summary != _summary(plan):
        yield Finding(
            kind=FindingKind.CLAIM,
            step="",
            state="at the start",
            rule="words",
            words="the summary is not one of this plan",
        )


def _of_step(step: Step, hosts: Mapping[Uuid, str], vms: Mapping[Uuid, str]) -> Iterator[Finding]:
    """The three names of a step."""
    yield from _called(step.id, "VM", step.vm, step.vm_name, vms)
    yield from _called(step.id, "host", step.source, step.source_name, hosts)
    yield from _called(step.id, "host", step.target, step.target_name, hosts)


def _of_srs(plan: Plan, srs: Mapping[Uuid, str]) -> Iterator[Finding]:
    """The names of SRs, in steps and in what they gain and lose."""
    for row in plan.srs:
        yield from _called("", "SR", row.uuid, row.name, srs)
    for step in (*plan.steps, *plan.rollback):
        for disk in step.disks:
            yield from _called(step.id, "SR", disk.source, disk.source_name, srs)
            yield from _called(step.id, "SR", disk.target, disk.target_name, srs)


def _called(step: str, kind: str, uuid: Uuid, name: str, names: Mapping[Uuid, str]) -> Iterator[Finding]:
    """Something that the pool calls otherwise."""
    if names.get(uuid, name) != name:
        words = f"{kind} {uuid} is called {name!r} here and {names[uuid]!r} in the pool"
        yield Finding(kind=FindingKind.CLAIM, step=step, state="at the start", rule="words", words=words)


def _summary(plan: Plan) -> str:
    """What the plan comes to, by its own steps, figures and reason."""
    chosen = Chosen(
        goal=plan.predicted,
        tiers=plan.tiers,
        outcome=plan.outcome,
        reason=plan.reason,
        missing=plan.missing,
        undoes=plan.made_from.undoes,
    )
    return summary_of(plan.steps, plan.schedule, chosen, plan.hosts, plan.policy.objective.threshold)

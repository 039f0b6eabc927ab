"""Proof that stages lead a pool from one to the next: each on the pool as the last one leaves it, by its plan alone.

Nothing that plans stages has a part in this. What happens between them is taken from what they are for: the host that a
stage empties is disabled for it, goes down with nobody on it but VMs that are shut down, and is back with the next.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from rebalancer.demand import LoadProfile
from rebalancer.inventory import Host, Pool, Uuid
from rebalancer.placement import Placement
from rebalancer.plan import Plan
from rebalancer.plan.finding import Finding, FindingKind
from rebalancer.problem import pool_at
from rebalancer.units import first_few
from rebalancer.verify.shutdowns import shutdown_findings
from rebalancer.verify.verify import verify_plan

PLATFORM: Final = "platform_version"
UPGRADING: Final = "rolling_upgrade_in_progress"
"""With which xapi marks a pool whose hosts differ (`db_gc.ml`, `detect_rolling_upgrade`)."""
SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class StageToProve:
    """A stage called `name`: its plan empties `host`, or else brings VMs home; `shut_down` are off meanwhile."""

    name: str
    host: Uuid
    empties: bool
    plan: Plan
    shut_down: tuple[Uuid, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFinding:
    """What is wrong with the stage of that name."""

    stage: str
    finding: Finding

    def __str__(self) -> str:
        return f"{self.stage}: {self.finding}"

    def as_json(self) -> dict[str, str]:
        """The finding as a JSON object for programs."""
        return {"stage": self.stage, **self.finding.as_json()}


def verify_itinerary(
    stages: Sequence[StageToProve],
    pool: Pool,
    demand: LoadProfile | None,
    *,
    update: str | None,
    elsewhere: Collection[Uuid] | None,
    now: datetime,
) -> Iterator[StageFinding]:
    """What is wrong with *stages*, in their order from *pool* on; nothing if all of it is legal.

    The first stage that is not legal ends it: nobody knows on what pool the next would be carried out.

    Args:
        stages: as they were read.
        pool: where the first begins.
        demand: as for `verify_plan`.
        update: the platform version that hosts come back with; None where they only reboot.
        elsewhere: VMs that need not be home in the end; None for all.
        now: the time by which plans expire, with a zone.
    """
    start, done = pool, set[Uuid]()
    for stage in stages:
        found = [*_out_of_turn(stage, done, pool, update)]
        if not found:
            ready = _with(pool, replace(pool.hosts[stage.host], enabled=not stage.empties))
            found += verify_plan(stage.plan, ready, demand, now=now)
            found += () if found else _of_the_host(stage, _carried_out(stage.plan, ready))
        if found:
            yield from (StageFinding(stage=stage.name, finding=each) for each in found)
            return
        pool = _after(stage, ready, update)
        done |= {stage.host} if stage.empties else set()
    if stages and elsewhere is not None:
        for words in _astray(start, pool, elsewhere):
            yield StageFinding(stage=stages[-1].name, finding=_finding("home", words))


def _astray(start: Pool, end: Pool, elsewhere: Collection[Uuid]) -> Iterator[str]:
    for vm in start.resident_guests():
        there = end.vms[vm.uuid].resident_on
        if there != vm.resident_on and vm.uuid not in elsewhere and there is not None:
            yield f"VM {vm.name} ends on {end.hosts[there].name}, and nothing says why it does not return"


def _out_of_turn(stage: StageToProve, done: set[Uuid], pool: Pool, update: str | None) -> Iterator[Finding]:
    """What is wrong with a stage of *pool*, of which the hosts in *done* were worked on, whatever its plan says."""
    if stage.host not in pool.hosts:
        yield _finding("host", f"the pool has no host {stage.host}")
        return
    name = pool.hosts[stage.host].name
    if stage.empties and stage.host in done:
        yield _finding("order", f"{name} is worked on twice")
    if not stage.empties and stage.host not in done:
        yield _finding("order", f"{name} is not back before VMs return: nobody has emptied it")
    if stage.empties and update and not done and (behind := _behind(pool, update) - {stage.host}):
        yield _finding("order", f"{first_few(sorted(pool.hosts[each].name for each in behind), SHOWN)} comes first")


def _behind(pool: Pool, update: str) -> set[Uuid]:
    """The coordinator, as long as it is not updated: no host may be before it."""
    return {each for each in pool.coordinators if pool.hosts[each].software_version.get(PLATFORM) != update}


def _of_the_host(stage: StageToProve, pool: Pool) -> Iterator[Finding]:
    """What is wrong with the host of a stage in *pool*, once its plan is done."""
    if not stage.empties:
        return
    named = {each.uuid: each.name for each in pool.resident_guests() if each.resident_on == stage.host}
    if left := sorted(name for vm, name in named.items() if vm not in stage.shut_down):
        yield _finding("empty", f"{first_few(left, SHOWN)} would still be on {pool.hosts[stage.host].name}")
    hold = stage.plan.policy.execution.hold_tag
    for words in shutdown_findings(stage.shut_down, stage.host, stage.shut_down, pool, hold=hold):
        yield _finding("shut-down", words)


def _after(stage: StageToProve, pool: Pool, update: str | None) -> Pool:
    """*pool* once a stage is over, its host back included."""
    there = _carried_out(stage.plan, pool)
    if not stage.empties:
        return there
    host = there.hosts[stage.host]
    software = {**host.software_version, PLATFORM: update} if update else host.software_version
    back = _with(there, replace(host, enabled=True, software_version=software))
    return _marked(back) if update else back


def _carried_out(plan: Plan, pool: Pool) -> Pool:
    """*pool* once the steps of *plan* are done; whoever has no step stays wherever it is."""
    ends, vms = plan.predicted, sorted({step.vm for step in plan.steps})
    return pool_at(pool, Placement({vm: ends[vm] for vm in vms}, ends.srs_of))


def _marked(pool: Pool) -> Pool:
    versions = {tuple(host.software_version.get(key, "") for key in (PLATFORM, "xapi")) for host in pool.hosts.values()}
    other = {key: value for key, value in pool.other_config.items() if key != UPGRADING}
    return replace(pool, other_config=other | ({UPGRADING: "true"} if len(versions) > 1 else {}))


def _with(pool: Pool, host: Host) -> Pool:
    return replace(pool, hosts={**pool.hosts, host.uuid: host})


def _finding(rule: str, words: str) -> Finding:
    return Finding(kind=FindingKind.MISPLACED, step="", state="between two stages", rule=rule, words=words)

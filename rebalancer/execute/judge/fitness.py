"""Whether a plan may still be carried out: asked before the first step, and again before each launch.

Its digest, its pool and its expiry are asked once. That nobody else balances or upgrades the pool, and that every state
that is left is legal in the pool as it is now, is asked again before every step.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from rebalancer.diff.drift import differences
from rebalancer.errors import IllegalPlan, StalePlan
from rebalancer.execute.judge.hindrance import operation_of
from rebalancer.inventory import VM, Pool, PowerState, Uuid
from rebalancer.inventory.digest import inventory_digests
from rebalancer.placement import Placement
from rebalancer.plan import Plan, Step, StepDisk, digest_of, untimely
from rebalancer.plan.progress import has_arrived, host_of, ways
from rebalancer.problem import pool_at
from rebalancer.verify.verify import verify_plan

RECEIVES = "vm_migrate"
"""What a host is marked with while a VM is on its way to it."""


def assert_sealed(plan: Plan) -> None:
    """Raise `IllegalPlan` where *plan* was edited since it was made."""
    if digest_of(plan) != plan.digest:
        raise IllegalPlan(["the plan was edited: its digest is not that of its content"])


def assert_same_pool(plan: Plan, pool: Pool) -> None:
    """Raise `StalePlan` where *plan* is for another pool."""
    if not plan.made_from.is_of(pool):
        made_for = _called(plan.made_from.pool_names)
        this = _called({member.uuid: member.name for member in pool.members})
        raise StalePlan([f"the plan is for {made_for}, and this is {this}"])


def _called(names: Mapping[Uuid, str]) -> str:
    words = " and ".join(f"{name} ({uuid})" for uuid, name in names.items())
    return f"{'pool' if len(names) == 1 else 'pools'} {words}"


def assert_not_expired(plan: Plan, now: datetime) -> None:
    """Raise `StalePlan` where *plan* is too old, or not made yet."""
    if words := untimely(plan, now):
        raise StalePlan([f"the plan {words}"])


def assert_still_there(plan: Plan, pool: Pool) -> None:
    """Raise `StalePlan` where a VM has left the host to which *plan*, done in full, brought it, or does not run."""
    gone = [way.steps[-1] for way in ways(plan) if not has_arrived(way.steps[-1], pool)]
    if gone:
        raise StalePlan(
            [f"{each.id} was made, and VM {each.vm_name} is not on {each.target_name} any more" for each in gone]
        )


def assert_legal_from_here(
    plan: Plan, done: Collection[str], pool: Pool, flying: Collection[str] = ()
) -> tuple[str, ...]:
    """How *pool* differs from what *plan* knew, our own doing apart, if all that is left is legal all the same.

    Steps in *flying* are on their way: they count as not begun, because verifying proves every interleaving of what is
    left, those in which they hold both of their hosts included. Those whose VM has arrived count as done.

    Raises:
        StalePlan: it is not: with the differences, and with what is not legal any more.
        IllegalPlan: it is not, although the pool is as it was.
    """
    done = {*done, *(step.id for step in plan.steps if step.id in flying and has_arrived(step, pool))}
    rested = at_rest(plan, pool, done, flying)
    findings = verify_plan(plan, rested, now=plan.made_at, done=done)
    against = (*_unfit(plan, pool), *(str(finding) for finding in findings))
    if findings and not done and inventory_digests(pool) == plan.made_from.inventories:
        raise IllegalPlan(against)
    crossed = {step.vm for step in plan.steps if step.id in done and step.crossing}
    changed = differences(plan, undone(plan, done, rested if flying else pool), crossed)
    if against:
        raise StalePlan((*changed, *against))
    if any(member.ha.enabled for member in pool.members):
        return (*changed, "HA is on: XAPI tests its failover plan at every step and may refuse one")
    return changed


def _unfit(plan: Plan, pool: Pool) -> Iterator[str]:
    """Why *plan* should not move VMs in *pool* now, legal or not."""
    quiet = plan.policy.execution.quiet_wlb
    for url in sorted({member.wlb_url for member in pool.members if member.wlb_enabled} - set(quiet)):
        remedy = "turn it off for the run, or name it in execution.quiet_wlb if it moves none, as our own does not"
        yield f"Workload Balancing is on, and {url or 'its server'} may move VMs by itself; {remedy}"
    if any(member.rolling_upgrade for member in pool.members) and not plan.policy.plan.during_upgrade:
        yield "a rolling upgrade is under way, and the policy's plan.during_upgrade does not allow for one"


def undone(plan: Plan, done: Collection[str], pool: Pool) -> Pool:
    """*pool* with the VMs of the steps in *done* back where they began: what is left to differ is not our doing.

    A VM that is in another pool by now stays there: its disks, drives and interfaces are others than they were.

    Example:
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> state = rb.read("pool.json.gz")
        >>> rb.execute.undone(plan, ["s01"], state.pool).vms[plan.steps[0].vm].resident_on == plan.steps[0].source
        True
    """
    began = {step.vm: step.source for step in reversed(plan.steps) if step.id in done and not step.crossing}
    ended = {step.vm: step.target for step in plan.steps if step.id in done}
    back = {vm: host for vm, host in began.items() if host_of(vm, pool) == ended[vm]}
    carried = [step for step in plan.steps if step.id in done and step.vm in back and step.disks]
    srs = {step.vm: {disk.drive: disk.source for disk in step.disks} for step in carried}
    return _renamed(pool_at(pool, Placement(back, srs)), [disk for step in carried for disk in step.disks])


def _renamed(pool: Pool, disks: Sequence[StepDisk]) -> Pool:
    """*pool* with the copies in the drives of *disks* called as their originals were."""
    was = {disk.drive: disk.disk for disk in disks}
    drives = {drive.uuid: drive.vdi for vm in pool.vms.values() for drive in vm.vbds if drive.uuid in was}
    names = {now: was[drive] for drive, now in drives.items() if now is not None and now in pool.vdis}
    if not names:
        return pool
    vdis = {names.get(uuid, uuid): replace(vdi, uuid=names.get(uuid, uuid)) for uuid, vdi in pool.vdis.items()}
    vms = {
        uuid: replace(vm, vbds=tuple(replace(each, vdi=names.get(each.vdi or "", each.vdi)) for each in vm.vbds))
        for uuid, vm in pool.vms.items()
    }
    return replace(pool, vdis=dict(sorted(vdis.items())), vms=vms)


def at_rest(plan: Plan, pool: Pool, done: Collection[str], flying: Collection[str] = ()) -> Pool:
    """*pool* without what passes: what holds the VMs that are still to move, and what our own moves mark.

    Whether the VM of a step is blocked, paused or busy is asked of that step alone, before it is begun.

    Example:
        >>> from dataclasses import replace
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> pool = rb.read("pool.json.gz").pool
        >>> held = replace(pool.vms[plan.steps[0].vm], blocked_operations={"pool_migrate": "backup"})
        >>> rb.execute.at_rest(plan, replace(pool, vms={**pool.vms, held.uuid: held}), done=()) == pool
        True
    """
    waiting = {step.vm: step for step in plan.steps if step.id not in done and step.vm in pool.vms}
    vms = {vm: _free(pool.vms[vm], step) for vm, step in waiting.items()}
    hosts = {}
    for step in plan.steps:
        if step.id in flying and step.vm in pool.vms:
            vms[step.vm] = replace(_free(pool.vms[step.vm], step), scheduled_to_be_resident_on=None)
        if step.id in flying and step.target in pool.hosts:
            target = pool.hosts[step.target]
            left = tuple(each for each in target.current_operations if each != RECEIVES)
            hosts[step.target] = replace(target, current_operations=left)
    return replace(pool, vms={**pool.vms, **vms}, hosts={**pool.hosts, **hosts})


def _free(vm: VM, step: Step) -> VM:
    """*vm* with nothing under way, not paused, and with the migration of *step* allowed."""
    blocked = {each: why for each, why in vm.blocked_operations.items() if each != operation_of(step)}
    state = PowerState.RUNNING if vm.power_state is PowerState.PAUSED else vm.power_state
    return replace(vm, power_state=state, current_operations=(), blocked_operations=blocked)

"""What keeps a VM from being moved for a while: an operation that runs on it, a pause, a block, or a tag that holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rebalancer.errors import RefusedByXapi
from rebalancer.inventory import VM, Pool, PowerState, Uuid
from rebalancer.inventory.renaming import called
from rebalancer.plan import Plan, Step
from rebalancer.plan.names import names_of
from rebalancer.plan.progress import has_arrived
from rebalancer.problem import make_problem
from rebalancer.rules import Rulebook, Violation
from rebalancer.rules.facts.blocks import block_in_words, is_backup
from rebalancer.schedule.lanes import Lanes
from rebalancer.xapi import Whereabouts

BLOCKED, BUSY, WRONG_STATE = "OPERATION_BLOCKED", "OTHER_OPERATION_IN_PROGRESS", "VM_BAD_POWER_STATE"
MIGRATIONS = frozenset({"pool_migrate", "migrate_send"})
OF_A_VM = ("VM", "VDI")
"""How the class in `BUSY` begins where it is a VM or a disk of it, and no host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """Why a step cannot be made for now, in words; whether that passes by itself, or only somebody's will ends it.

    `for_good` says that nothing will end it while the run lasts.
    """

    words: str
    passes: bool = True
    for_good: bool = False


def operation_of(step: Step) -> str:
    """What XAPI calls the migration of *step*."""
    return "migrate_send" if step.disks or step.crossing else "pool_migrate"


def hindrance_of(step: Step, where: Whereabouts) -> Hindrance | None:
    """What keeps the VM of *step* from being moved, as it was looked at; None where nothing does."""
    if where.operations or where.scheduled_to is not None:
        return _busy(where.operations)
    return _paused(where.power_state) or _blocked(step, where.blocked)


def hindered(plan: Plan, pool: Pool, over: Collection[str]) -> dict[str, Hindrance]:
    """The steps of *plan* whose VMs cannot be moved in *pool* for now, without those in *over*, by their ids.

    Example:
        >>> from dataclasses import replace
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> pool = rb.read("pool.json.gz").pool
        >>> held = replace(pool.vms[plan.steps[0].vm], blocked_operations={"pool_migrate": "backup"})
        >>> found = rb.execute.hindered(plan, replace(pool, vms={**pool.vms, held.uuid: held}), over=())
        >>> {step: why.words for step, why in found.items()}
        {'s01': 'a backup is running: its operation pool_migrate is blocked: backup'}
    """
    waiting = [step for step in plan.steps if step.id not in over and step.vm in pool.vms]
    tag = plan.policy.execution.hold_tag
    found = {step.id: _of_vm(step, pool.vms[step.vm]) or _tagged(step, pool, tag) for step in waiting}
    return {step: hindrance for step, hindrance in found.items() if hindrance}


def hindrance_beside(
    plan: Plan, step: Step, pool: Pool, done: Collection[str], *, flying: Collection[str], aside: Collection[str] = ()
) -> Hindrance | None:
    """What keeps *step*, while *flying* are on their way, from being made in *pool*: its own VM, or those of others.

    Migrations of the plan that somebody else has begun count towards its limits.

    Steps in *aside* are not made any more.
    """
    on_the_way = {each.vm for each in plan.steps if each.id in flying}
    over = {*done, *(each.id for each in plan.steps if each.vm in on_the_way)}
    found = hindered(plan, pool, {*over, *aside})
    if step.id in found:
        return found[step.id]
    if crowded := _crowded(plan, step, pool, waiting=found, flying=flying):
        return crowded
    if aside and step.id in not_without(plan, pool, done, aside):
        return Hindrance(words=_half_way(aside), passes=False, for_good=True)
    if found and step.id in not_without(plan, pool, done, {*found, *aside}):
        return Hindrance(words=_half_way(found), passes=any(each.passes for each in found.values()))
    return None


def half_way(plan: Plan, pool: Pool) -> str:
    """What the rules do not allow as an end in *pool*, where *plan* is left half-way, in words; "" where nothing is."""
    book = Rulebook.of(make_problem(called(pool, names_of(plan)), None, plan.policy))
    book = book.way_back() if plan.made_from.undoes else book
    now = book.problem.initial
    before = {vm: plan.before.host_of.get(vm, host) for vm, host in now.host_of.items()}
    return "; ".join(f"{each.words} [{each.rule}]" for each in book.violations(now, since=replace(now, host_of=before)))


def _half_way(without: Iterable[str]) -> str:
    return f"would leave a group half-way without {', '.join(without)}: its end would not be legal"


def of_refusal(step: Step, error: RefusedByXapi) -> Hindrance | None:
    """What XAPI's no to *step* says of its VM, which changed since it was looked at; None where it means another."""
    if error.code == BLOCKED:
        reason = error.params[1] if len(error.params) > 1 else ""
        return _blocked(step, {operation_of(step): reason})
    if error.code == BUSY and error.params and error.params[0].startswith(OF_A_VM):
        return _busy(error.params[2:3])
    if error.code == WRONG_STATE and error.params:
        return _paused(error.params[-1])
    return None


def with_waiting(plan: Plan, steps: Collection[str]) -> frozenset[str]:
    """*steps* and those that wait for them, however indirectly."""
    found = set(steps)
    for step in plan.steps:  # whoever is waited for stands before
        if found.intersection(step.after):
            found.add(step.id)
    return frozenset(found)


def not_without(plan: Plan, pool: Pool, done: Collection[str], left: Collection[str]) -> frozenset[str]:
    """Steps of *plan* that may not be made as long as those in *left* are not: a group would be left half-way.

    Every state on the way is legal in any order that `after` allows. What rules want of the end, such as a group that
    shares a host, has to hold, too, if the steps in *left* are never made.
    """
    book = Rulebook.of(make_problem(called(pool, names_of(plan)), None, plan.policy))
    book = book.way_back() if plan.made_from.undoes else book
    waiting = set(with_waiting(plan, left))
    over = {step.id for step in plan.steps if step.id in done or has_arrived(step, pool)}
    while steps := [step for step in plan.steps if step.id not in over | waiting]:
        end = book.problem.initial.after(*(step.migration for step in steps))
        bound = set(_bound_by_end(steps, end.host_of, book.violations(end, since=book.problem.initial)))
        if not bound:
            break
        waiting = set(with_waiting(plan, waiting | bound))
    return frozenset(waiting - with_waiting(plan, left))


def _bound_by_end(steps: Sequence[Step], end: Mapping[Uuid, Uuid], broken: Iterable[Violation]) -> Iterator[str]:
    """Those of *steps* that have a part in what is *broken* at the *end* they lead to; all, where none has."""
    for violation in broken:
        parts = [step.id for step in steps if step.vm in violation.vms or end.get(step.vm) in violation.hosts]
        yield from parts or (step.id for step in steps)


def _of_vm(step: Step, vm: VM) -> Hindrance | None:
    if vm.current_operations or vm.scheduled_to_be_resident_on is not None:
        return _busy(vm.current_operations)
    return _paused(vm.power_state) or _blocked(step, vm.blocked_operations)


def _crowded(
    plan: Plan, step: Step, pool: Pool, *, waiting: Collection[str], flying: Collection[str]
) -> Hindrance | None:
    """That *flying* and those of *waiting* that others have begun leave *step* no room."""
    moving = (each for each in reversed(plan.steps) if each.id in waiting and _is_moving(pool.vms[each.vm]))
    others = {each.vm: each for each in moving}  # the first step of a VM is the one on the way
    lanes = Lanes(plan.policy.limits)
    for each in (*(each for each in plan.steps if each.id in flying), *others.values()):
        lanes.enter(each)
    if lanes.has_room(step) or not others:
        return None
    names = ", ".join(each.vm_name for each in others.values())
    return Hindrance(words=f"{names}: on the way already, begun by somebody else, and no more may move at once")


def _is_moving(vm: VM) -> bool:
    return vm.scheduled_to_be_resident_on is not None or bool(MIGRATIONS.intersection(vm.current_operations))


def _tagged(step: Step, pool: Pool, tag: str) -> Hindrance | None:
    """That the VM of *step* carries *tag*, or one of its hosts does."""
    if tag in pool.vms[step.vm].tags:
        return Hindrance(words=f"the VM carries the tag {tag}: remove it to let it move", passes=False)
    ends = ((step.source, step.source_name), (step.target, step.target_name))
    tagged = [name for host, name in ends if host in pool.hosts and tag in pool.hosts[host].tags]
    return Hindrance(words=f"host {tagged[0]} carries the tag {tag}", passes=False) if tagged else None


def _paused(power_state: str) -> Hindrance | None:
    """That a VM is paused, which people do and undo; XAPI's errors spell states in small letters."""
    paused = power_state.capitalize() == PowerState.PAUSED
    return Hindrance(words="the VM is paused: unpause it", passes=False) if paused else None


def _busy(operations: Sequence[str]) -> Hindrance:
    return Hindrance(words=f"the VM is busy: {', '.join(operations) or 'a migration'}")


def _blocked(step: Step, blocked: Mapping[str, str]) -> Hindrance | None:
    operation = operation_of(step)
    words = block_in_words(operation, blocked)
    return Hindrance(words=words, passes=is_backup(blocked[operation])) if words else None

"""What was proven of a pool, and whether it still holds: a proof is made once, not before every step.

Proving that a plan is legal looks at every order of all that is left. What is left of it after some of its steps was
part of that. So a pool that differs from the one that was proven in nothing but what the plan's own steps do needs no
proof of its own: those that are done have brought their VMs where they lead, those on their way mark VM and target.
Whatever else differs, down to a tag, is proven anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from rebalancer.execute.judge.fitness import RECEIVES, assert_legal_from_here
from rebalancer.execute.judge.hindrance import operation_of
from rebalancer.inventory import VM, Host, Pool, Uuid
from rebalancer.inventory.digest import counts, held_mib
from rebalancer.inventory.likeness import alike, disks_alike, tables_alike
from rebalancer.plan import Plan, Step
from rebalancer.squeeze import squeeze_of

UNTOUCHED: Final = ("srs", "networks", "storage_drivers", "vm_groups", "vgpu_types")
"""Tables of a pool that the steps of a plan do not touch."""


@dataclass(frozen=True, kw_only=True)
class PlanProgress:
    """How far *plan* has come: a pool, and the steps that are done and on their way in it."""

    plan: Plan
    pool: Pool
    done: frozenset[str]
    flying: frozenset[str]

    @cached_property
    def places(self) -> Mapping[Uuid, frozenset[Uuid]]:
        """The hosts on which each VM of the plan may be by now."""
        found: dict[Uuid, frozenset[Uuid]] = {}
        for step in self.plan.steps:
            if step.id in self.done:
                found[step.vm] = frozenset({step.target})
            elif step.id in self.flying:
                found[step.vm] = frozenset({step.source, step.target})
            else:
                found.setdefault(step.vm, frozenset({step.source}))
        return found

    @cached_property
    def left(self) -> Mapping[Uuid, Step | None]:
        """For each VM of the plan its last step, if that is not done."""
        return {step.vm: None if step.id in self.done else step for step in self.plan.steps}

    @cached_property
    def movers(self) -> frozenset[Uuid]:
        """The VMs that are on their way."""
        return frozenset(step.vm for step in self.plan.steps if step.id in self.flying)

    @cached_property
    def receivers(self) -> frozenset[Uuid]:
        """The hosts to which they are."""
        return frozenset(step.target for step in self.plan.steps if step.id in self.flying)


@dataclass(slots=True)
class Prover:
    """Proves *plan* legal where it has to be proven."""

    plan: Plan
    made: int = field(default=0, init=False)
    _last: PlanProgress | None = field(default=None, init=False)
    _differences: tuple[str, ...] = field(default=(), init=False)

    def assert_legal(self, done: Collection[str], pool: Pool, flying: Collection[str] = ()) -> tuple[str, ...]:
        """As `assert_legal_from_here`.

        Raises:
            StalePlan, IllegalPlan: what is left is not legal.
        """
        now = PlanProgress(plan=self.plan, pool=pool, done=frozenset(done), flying=frozenset(flying))
        last, self._last = self._last, None
        if last is None or not follows(last, now):
            self._differences = assert_legal_from_here(self.plan, done, pool, flying)
            self.made += 1
        self._last = now
        return self._differences


def follows(proven: PlanProgress, now: PlanProgress) -> bool:
    """Whether the pool of *now* differs from the *proven* one in nothing but what the steps of the plan do.

    Of steps that carry disks, or lead to another pool, nobody knows beforehand what they leave behind.
    """
    if any(step.disks or step.crossing for step in now.plan.steps) or not proven.done <= now.done:
        return False
    before, after = proven.pool, now.pool
    return (
        alike(before, after)
        and all(tables_alike(getattr(before, name), getattr(after, name)) for name in UNTOUCHED)
        and before.hosts.keys() == after.hosts.keys()
        and all(_host_follows(host, proven, now) for host in after.hosts)
        and all(_vm_follows(vm, proven, now) for vm in _to_compare(before, after) | now.places.keys())
        and disks_alike(before, after)
    )


def _to_compare(before: Pool, after: Pool) -> set[Uuid]:
    """The VMs that are not the very same in both."""
    gone = before.vms.keys() - after.vms.keys()
    return {uuid for uuid, vm in after.vms.items() if before.vms.get(uuid) is not vm} | gone


def _host_follows(uuid: Uuid, proven: PlanProgress, now: PlanProgress) -> bool:
    before, after = proven.pool.hosts[uuid], now.pool.hosts[uuid]
    if before is after and not after.current_operations:
        return True
    return alike(_at_rest(before, proven), _at_rest(after, now))


def _at_rest(host: Host, moment: PlanProgress) -> Host:
    """*host* without what the steps on their way mark on it."""
    if host.uuid not in moment.receivers:
        return host
    left = tuple(each for each in host.current_operations if each != RECEIVES)
    return replace(host, current_operations=left)


def _vm_follows(uuid: Uuid, proven: PlanProgress, now: PlanProgress) -> bool:
    before, after = proven.pool.vms.get(uuid), now.pool.vms.get(uuid)
    if before is None or after is None:
        return not any(vm and counts(vm) for vm in (before, after))
    if uuid in now.places and after.resident_on not in now.places[uuid]:
        return False
    if before is after and (uuid not in now.places or _is_idle(after)):
        return True
    if held_mib(before) != held_mib(after) or (not now.done and _is_squeezed_anew(before, after)):
        return False
    return alike(_unmoved(before, proven), _unmoved(after, now))


def _is_idle(vm: VM) -> bool:
    return not (vm.current_operations or vm.scheduled_to_be_resident_on or vm.blocked_operations)


def _unmoved(vm: VM, moment: PlanProgress) -> VM:
    """*vm* as it would be if none of its steps were made or on its way; what hinders a step is asked of it alone."""
    if vm.uuid not in moment.left:
        return vm
    left, free = moment.left[vm.uuid], replace(vm, resident_on=None)
    if left is None:
        return free
    blocked = {each: why for each, why in vm.blocked_operations.items() if each != operation_of(left)}
    free = replace(free, current_operations=(), blocked_operations=blocked)
    return replace(free, scheduled_to_be_resident_on=None) if vm.uuid in moment.movers else free


def _is_squeezed_anew(before: VM, after: VM) -> bool:
    """Whether a migration would squeeze *after*, and not *before*: a plan that was begun is not judged by that."""
    return squeeze_of(before, None) is None and squeeze_of(after, None) is not None

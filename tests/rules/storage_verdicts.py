"""What XAPI answers when it is asked about Storage XenMotion inside a pool."""

from __future__ import annotations

from rebalancer.inventory import VM, Host, PowerState
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import DiskRule, DiskTargets, HostRule, Objection, Origin, PairRule, Rule, VMRule
from rebalancer.rules.core.versions import xapi_version
from rebalancer.rules.disks.disk_map import SROfOnePool
from rebalancer.rules.vm.in_one_pool import InOnePool
from tests.rules.motions import CROSSING_ASKED, CROSSING_LATE, MOTION, OPERATION, UNASKED


class StorageVerdicts:
    """XAPI's two answers, which both have to be asked, and what neither of them says."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._version = xapi_version(problem.pool.hosts[problem.pool.coordinator])

    def operation(self, vm: VM) -> Objection | None:
        """What `VM.assert_operation_valid` answers to migrate_send: nothing about targets."""
        asked = (rule.objects(vm, self._problem) for rule in OPERATION if rule.binds(self._version))
        return next((objection for objection in asked if objection), None)

    def motion(self, vm: VM, host: Host, disks: DiskTargets) -> Objection | None:
        """What `VM.assert_can_migrate` answers: nothing about operations that are blocked or under way."""
        asked = (self._ask(rule, vm, host, disks) for rule in MOTION if rule.binds(self._version))
        return next((objection for objection in asked if objection), None)

    def crossing(self, vm: VM, host: Host, disks: DiskTargets) -> Objection | None:
        """What XAPI answers, of the VM and on either side, before it copies anything to another pool."""
        asked = (self._ask(rule, vm, host, disks) for rule in CROSSING_ASKED if rule.binds(self._version))
        return self.operation(vm) or next((objection for objection in asked if objection and objection.code), None)

    def crossing_late(self, vm: VM, host: Host, disks: DiskTargets) -> tuple[Objection, ...]:
        """What speaks against such a move although XAPI does not say so, or not in time."""
        everything = {rule.id: rule for rule in (InOnePool(), *UNASKED, *CROSSING_ASKED, *CROSSING_LATE, SROfOnePool())}
        asked = [rule for rule in everything.values() if rule.origin is not Origin.MANUAL and rule.binds(self._version)]
        return tuple(objection for rule in asked if (objection := self._ask(rule, vm, host, disks)))

    def unasked(self, vm: VM, host: Host, disks: DiskTargets) -> tuple[Objection, ...]:
        """What speaks against it although neither answer says so."""
        asked = (rule.objects(vm, host, disks, self._problem) for rule in UNASKED)
        return tuple(objection for objection in asked if objection)

    def _ask(self, rule: Rule, vm: VM, host: Host, disks: DiskTargets) -> Objection | None:
        """The answer of one rule, whatever it is about."""
        if isinstance(rule, VMRule):
            return rule.objects(vm, self._problem)
        if isinstance(rule, HostRule):
            return None if rule.spares_residents and _is_spared(vm, host) else rule.objects(host, self._problem)
        if isinstance(rule, DiskRule):
            return rule.objects(vm, host, disks, self._problem)
        return self._ask_pair(rule, vm, host)

    def _ask_pair(self, rule: Rule, vm: VM, host: Host) -> Objection | None:
        """The answer of a pair rule."""
        if not isinstance(rule, PairRule):
            return None
        needs = rule.needs(vm, self._problem)
        return None if needs is None else rule.objects(needs, host, self._problem)


def _is_spared(vm: VM, host: Host) -> bool:
    """Whether a disabled host takes the VM: a control domain, or one that runs there already."""
    runs_there = vm.power_state is PowerState.RUNNING and vm.resident_on == host.uuid
    return vm.is_control_domain or runs_there

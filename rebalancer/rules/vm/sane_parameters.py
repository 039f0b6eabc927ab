"""The VM's own settings make sense to XAPI."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rebalancer.inventory import VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, VMRule
from rebalancer.rules.facts.domain import needs_hvm
from rebalancer.units import counted

CORRECT = "shut it down, correct {} and start it again"
COREDUMPS = frozenset({"coredump_and_destroy", "coredump_and_restart"})


class SaneParameters(VMRule):
    """xapi checks them before it looks at the target, each with its own error; most odd memory ranges are accepted."""

    id = "sane-parameters"
    sentence = "vCPU counts, memory range, shadow multiplier and crash action of the VM are within what XAPI accepts."
    source = "xapi_vm_helpers.ml: validate_basic_parameters; vm_memory_constraints.ml: transform"
    origin = Origin.XAPI
    code = "INVALID_VALUE"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """The first setting that xapi would refuse."""
        return next(self._all(vm), None)

    def _all(self, vm: VM) -> Iterator[Objection]:
        """Whatever is wrong, in xapi's order."""
        if vm.vcpus_max < 1 or vm.vcpus_at_startup < 1:
            yield self.objection(
                f"has {counted(vm.vcpus_at_startup, 'vCPU')} at startup of {vm.vcpus_max}: too few",
                remedy=CORRECT.format("its vCPUs"),
                disruption=Disruption.REBOOT,
            )
        if vm.vcpus_at_startup > vm.vcpus_max:
            yield self.objection(
                f"starts with {counted(vm.vcpus_at_startup, 'vCPU')}, more than its {vm.vcpus_max}",
                code="VALUE_NOT_SUPPORTED",
                remedy=CORRECT.format("its vCPUs"),
                disruption=Disruption.REBOOT,
            )
        memory = vm.memory
        if memory.static_max_bytes < memory.static_min_bytes or memory.dynamic_max_bytes < memory.dynamic_min_bytes:
            yield self.objection(
                "a maximum of its memory is below the minimum",
                code="MEMORY_CONSTRAINT_VIOLATION",
                remedy=CORRECT.format("its memory limits"),
                disruption=Disruption.REBOOT,
            )
        if vm.hvm_shadow_multiplier < 1:
            yield self.objection(
                f"its shadow multiplier {vm.hvm_shadow_multiplier} is below 1",
                remedy=CORRECT.format("its HVM_shadow_multiplier"),
                disruption=Disruption.REBOOT,
            )
        if vm.actions_after_crash == "rename_restart" or _dumps_hvm(vm):
            yield self.objection(
                f"its action after a crash is {vm.actions_after_crash}",
                code="VALUE_NOT_SUPPORTED",
                remedy="set its actions_after_crash to destroy, restart or preserve",
            )

    def mended(self, vm: VM, host: Host, problem: Problem) -> VM | None:
        """The VM with another action after a crash, where nothing else is wrong: all else stays while it runs."""
        mended = replace(vm, actions_after_crash="restart")
        return None if next(self._all(mended), None) else mended


def _dumps_hvm(vm: VM) -> bool:
    return vm.actions_after_crash in COREDUMPS and needs_hvm(vm)
